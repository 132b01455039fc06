// A command that talks to a running server, and what such commands have in common. Private to the commands' files.
#pragma once

#include <CLI/CLI.hpp>
#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "complain.hpp"
#include "control.hpp"
#include "invocation.hpp"
#include "json/writer.hpp"

namespace faelled::app {

// How an answer is printed; what is neither is for people. Each command's options are a struct of its own on top of
// this, whose declare() names them.
struct Printing {
  bool json = false;
  bool csv = false;
  bool excel = false;
};

// --config, --json and the work of a command. add_command() does it, but for those whose help has them last.
void connect(CLI::App& command, Invocation& invocation, Printing& printing, std::function<int(const Control&)> work,
             const char* json_help = "Print the server's answer as JSON");

// Of each option: a script's variable that was not set would else count as if nothing had been asked for.
void refuse_empty(CLI::App& command);

template <class Options>
void add_command(CLI::App& parent, const std::string& name, const std::string& help, Invocation& invocation,
                 std::function<int(const Control&, const Options&)> work) {
  CLI::App& command = *parent.add_subcommand(name, help);
  const auto options = std::make_shared<Options>();  // lives as long as the callback, of which there are copies
  connect(command, invocation, *options,
          [options, work = std::move(work)](const Control& control) { return work(control, *options); });
  if constexpr (!std::same_as<Options, Printing>) options->declare(command);
  refuse_empty(command);
}

// --csv and --excel.
void add_csv(CLI::App& command, Printing& printing, const char* help);
// "--x,!--no-x": empty where neither was said. CLI11 2.1 sets an optional flag to false then.
void add_either(CLI::App& command, const char* names, std::optional<bool>& said, const char* help);

// RFC 3986: everything but unreserved characters.
std::string percent_encoded(std::string_view text);

// "&name=value" for each whose value is not empty.
std::string query_of(std::initializer_list<std::pair<std::string_view, std::string_view>> parts);

// "a,b" as the array `models`, "all" as null; nothing of an empty text.
void write_models(json::Writer& out, std::string_view text);

// Rows as a table, or the answer as it came. `next`: the query's name for a further page; empty: there is one alone.
int show(const Control& control, const Printing& printing, const std::string& target, std::string_view list,
         const std::vector<std::string>& columns, std::string_view next = {});

// `plain`: which members of the answer a person sees, one line each.
int tell(const Printing& printing, const Expected<std::string>& answer, const std::vector<std::string>& plain);
int make(const Control& control, const Printing& printing, const std::string& target, const std::string& body,
         const std::vector<std::string>& plain);
// `done`: what a person is told once it is gone.
int remove(const Control& control, const Printing& printing, const std::string& target, const std::string& done);

// All pages of rows, as a table, JSON or CSV, with little memory here and there.
struct Pages {
  std::string target;              // with a '?' in it
  std::string list;                // the array's name
  std::string next;                // "after" or "before"
  std::vector<std::string> table;  // columns
  std::vector<std::string> csv;
};
int all_rows(const Control& control, const Printing& printing, const Pages& pages);

}  // namespace faelled::app
