// Values of options that CLI11 (2.1) would read otherwise than they stand. Private to the commands' files.
#pragma once

#include <CLI/CLI.hpp>
#include <limits>
#include <string>

#include "base/whole_number.hpp"

namespace faelled::app {

// An option that is given again for each of its texts, and takes each as it stands: CLI11's own take "[a,b]" for two,
// and "[/INST]" for "/INST". `into`: a vector of texts, or an optional one.
template <class Texts>
CLI::Option* add_texts(CLI::App& command, const std::string& name, Texts& into, const std::string& help) {
  return command.add_option(name, into, help)->allow_extra_args(false);
}

// Decimal digits, in range: CLI11's own read 010 as eight, and -1 or what is too large as another number.
template <class Number>
CLI::Validator whole_number(Number least = 0, Number most = std::numeric_limits<Number>::max()) {
  return CLI::Validator(
      [least, most](std::string& text) -> std::string {
        const auto number = faelled::whole_number<Number>(text);
        if (!number || text.starts_with('-') || *number < least || *number > most)
          return "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most) + ", not " +
                 text;
        text = std::to_string(*number);  // without the zeros in front that would make it octal
        return {};
      },
      "", "whole number");
}

}  // namespace faelled::app
