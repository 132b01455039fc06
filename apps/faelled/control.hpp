// Control: one call after the other to a running server's control API. Blocking; for the command line.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace faelled::app {

class Control {
 public:
  // Finds the socket by the configuration's data folder, and asks no more of the configuration: a server runs on though
  // a file that it names has gone since. Errors: config::data_folder()'s.
  static Expected<Control> of(const std::string& config_file);

  // The body of a 2xx answer. Errors: unavailable (nobody listens), and what the server refused, in its words:
  // not_found, invalid.
  Expected<std::string> call(std::string method, std::string target, std::string body = {}) const;

 private:
  explicit Control(std::string socket) : socket_(std::move(socket)) {}
  std::string socket_;
};

}  // namespace faelled::app
