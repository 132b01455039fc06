// main(): reads the command line and hands over. Everything it wires lives in serve.cpp and commands.cpp.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "backup_commands.hpp"
#include "commands.hpp"
#include "complain.hpp"
#include "config/config.hpp"
#include "devices.hpp"
#include "doctor_commands.hpp"
#include "serve.hpp"
#include "settings.hpp"
#include "sim_command.hpp"
#include "store_commands.hpp"
#include "tls.hpp"

namespace {

constexpr const char* version = FAELLED_VERSION;
constexpr int usage_error = 2;

int check_file(const std::string& file) {
  const auto config = faelled::config::load(file);
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().message.c_str());
    return 1;
  }
  const auto refusals = faelled::app::refusals_of(*config);
  for (const faelled::Error& error : refusals)
    std::fprintf(stderr, "%s: %s; %s\n", file.c_str(), error.message.c_str(), error.hint.c_str());
  const auto tls = faelled::app::look_at_tls(*config, faelled::SystemClock().wall());
  const auto say = [&](const std::vector<faelled::config::Problem>& problems, const char* before) {
    for (const auto& problem : problems)
      std::fprintf(stderr, "%s%s\n", before, faelled::config::describe(problem, file).c_str());
  };
  say(tls.unusable, "");
  say(tls.out_of_date, "");
  say(config->warnings, "warning: ");
  say(tls.warnings, "warning: ");
  say(faelled::app::look_at_memory(*config), "warning: ");
  if (!tls.unusable.empty() || !tls.out_of_date.empty() || !refusals.empty()) return 1;
  if (!config->store.url.empty()) {
    auto store = faelled::app::look_at_store(*config);
    if (!store) {
      std::fprintf(stderr, "%s: %s; %s\n", file.c_str(), store.error().message.c_str(), store.error().hint.c_str());
      return 1;
    }
    std::printf("%s\n", store->c_str());
  }
  std::printf("%s is in order\n", file.c_str());
  return 0;
}

// What was printed and is nowhere is no success, whatever command it was.
int said_in_full(int status) {
  const bool flushed = static_cast<bool>(std::cout.flush()) && std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (flushed) return status;
  const int failed = faelled::app::complain({faelled::Errc::io, "standard output cannot be written",
                                             "is the disk full, or the program behind the pipe gone?"});
  return status == 0 ? failed : status;
}

int run(int argc, char** argv) {
  CLI::App app{
      "Fælled: a language-model commons for public organisations.\n"
      "The server is 'faelled serve'. check, doctor, sim, backup, restore, and audit replay, heads and forget work on "
      "files,\n"
      "store on the database; all other commands talk to a running server on this machine through the owner-only "
      "socket "
      "in\n"
      "its data folder, and need no key.\n"
      "Exit status: 0 done, 1 refused or failed (said on standard error), 2 a command line that makes no sense.",
      "faelled"};
  app.require_subcommand(1);
  app.set_version_flag("--version", version);
  app.set_help_all_flag("--help-all", "Help for all commands");

  faelled::app::Invocation invocation{.config = faelled::app::default_config(), .version = version};
  faelled::app::ServeOptions serve;
  auto* serve_command = app.add_subcommand("serve", "Run the server until SIGTERM or Ctrl-C");
  faelled::app::add_config(*serve_command, invocation);
  serve_command->add_flag("--demo", serve.demo,
                          "Make a member, a user, a sign-in link and a fresh key, and print them when ready");
  serve_command->add_flag("--json", serve.json, "With --demo: print one line {\"url\",\"sign_in\",\"key\",\"model\"}");
  serve_command->callback([&] {
    serve.config = invocation.config;
    serve.version = invocation.version;
    invocation.status = faelled::app::serve(serve);
  });

  std::string file;
  auto* check = app.add_subcommand(
      "check",
      "Read a configuration file, its certificates and what else it names, and tell every mistake with its line; ask "
      "its database whether it answers");
  check->add_option("FILE", file, "The configuration file")->required();
  check->callback([&] { invocation.status = check_file(file); });

  faelled::app::add_commands(app, invocation);
  faelled::app::add_store_commands(app, invocation);
  faelled::app::add_backup_commands(app, invocation);
  faelled::app::add_doctor_commands(app, invocation);
  faelled::app::add_sim_command(app, invocation);
  if (argc < 2) {
    std::fputs(app.help().c_str(), stderr);
    return usage_error;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : usage_error;  // --help and --version come this way too
  }
  return invocation.status;
}

}  // namespace

int main(int argc, char** argv) { return said_in_full(run(argc, argv)); }
