// One subcommand that talks to a running server, and what such commands have in common. Private to the commands' files.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "complain.hpp"
#include "control.hpp"
#include "json/writer.hpp"

namespace faelled::app {

struct Options {
  bool json = false;
  bool csv = false;
  bool excel = false;
  bool rows = false;
  bool watch = false;
  std::uint32_t limit = 0;  // rows; 0: all
  std::string from, to, member, user, name, id, expires, role, email, models, show_waiting, until, actor, action;
  std::string search, state, retention_days, conversations, key_days_max, key_makers, contact, message;
};

using Work = std::function<int(const Control&, const Options&)>;

// Its options are its own; its work runs when it is parsed.
class Command {
 public:
  Command(CLI::App& parent, const std::string& name, const std::string& help, std::string& config, int& status,
          Work work);
  CLI::App* operator->() { return app_; }
  CLI::App& app() { return *app_; }
  Options& options() { return *options_; }

 private:
  CLI::App* app_;
  std::shared_ptr<Options> options_;
};

// "--x,!--no-x": empty where neither was said. CLI11 2.1 sets an optional flag to false then.
void add_either(Command& command, const char* names, std::optional<bool>& said, const char* help);

// RFC 3986: everything but unreserved characters.
std::string percent_encoded(std::string_view text);

// "a,b" as an array of texts.
void write_list(json::Writer& out, std::string_view name, std::string_view text);

// Rows as a table, or the answer as it came. `next`: the query's name for a further page; empty: there is one alone.
int show(const Control& control, const Options& options, const std::string& target, std::string_view list,
         const std::vector<std::string>& columns, std::string_view next = {});

// `plain`: which members of the answer a person sees, one line each.
int tell(const Options& options, const Expected<std::string>& answer, const std::vector<std::string>& plain);
int make(const Control& control, const Options& options, const std::string& target, const std::string& body,
         const std::vector<std::string>& plain);

// All pages of rows, as a table, JSON or CSV, with little memory here and there.
struct Pages {
  std::string target;              // with a '?' in it
  std::string list;                // the array's name
  std::string next;                // "after" or "before"
  std::vector<std::string> table;  // columns
  std::vector<std::string> csv;
};
int all_rows(const Control& control, const Options& options, const Pages& pages);

// people_commands.cpp and key_commands.cpp
void add_people(CLI::App& app, std::string& config, int& status);
void add_keys(CLI::App& app, std::string& config, int& status);
// commons_commands.cpp
void add_commons(CLI::App& app, std::string& config, int& status);
// residency_commands.cpp
void add_residency(CLI::App& app, std::string& config, int& status);
void add_aliases(CLI::App& app, std::string& config, int& status);
// catalogue_commands.cpp: more of 'model'
void add_catalogue(CLI::App& model, std::string& config, int& status);
// maintenance_commands.cpp
void add_maintenance(CLI::App& app, std::string& config, int& status);

}  // namespace faelled::app
