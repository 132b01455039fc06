#include "backup_commands.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>

#include "backup/backup.hpp"
#include "base/limits.hpp"
#include "base/time_text.hpp"
#include "complain.hpp"
#include "config/config.hpp"
#include "json/writer.hpp"

namespace faelled::app {
namespace {

struct FileOptions {
  std::string file, passphrase_file;
  bool json = false;

  void declare(CLI::App& command) {
    command.add_option("FILE", file, "The backup's file")->required();
    command.add_option("--passphrase-file", passphrase_file,
                       "File whose first line is the passphrase (12 to 1024 characters, chmod 600)");
    command.add_flag("--json", json, "Print one line of JSON");
  }
};

struct BackupOptions : FileOptions {
  bool without_keys = false;
};

struct RestoreOptions : FileOptions {
  std::string data;
  bool check = false;
};

// The first line of the file. Errors name the file, never what it holds.
Expected<std::string> passphrase_of(const std::string& file) {
  struct stat info{};
  std::ifstream in(file);
  std::string line;
  if (!in || ::stat(file.c_str(), &info) != 0 || !std::getline(in, line))
    return fail(Errc::io, file + " cannot be read", "write the passphrase into it as one line");
  if (line.ends_with('\r')) line.pop_back();  // typed again elsewhere it has none
  if ((info.st_mode & 077U) != 0)
    return fail(Errc::forbidden, file + " can be read by others than its owner", "run: chmod 600 " + file);
  if (line.size() < limits::passphrase_bytes_min || line.size() > limits::passphrase_bytes_max)
    return fail(Errc::invalid,
                fmt::format("the passphrase in {} has {} characters; {} to {} are allowed", file, line.size(),
                            limits::passphrase_bytes_min, limits::passphrase_bytes_max),
                "make one with: openssl rand -base64 24");
  return line;
}

// One line that is written over, where somebody watches.
backup::Progress progress_line() {
  if (::isatty(STDERR_FILENO) == 0) return [](std::string_view, std::uint64_t) {};
  return [](std::string_view doing, std::uint64_t done) {
    if (doing == "ledger") {
      std::fprintf(stderr, "\r%-12s%12llu rows", "ledger", static_cast<unsigned long long>(done));
    } else {
      std::fprintf(stderr, "\r%-12.*s%12llu MiB ", static_cast<int>(doing.size()), doing.data(),
                   static_cast<unsigned long long>(done >> 20));
    }
  };
}

// The line that was written over is none any more.
void end_progress() {
  if (::isatty(STDERR_FILENO) != 0) std::fputs("\r", stderr);
}

// A signal asks once; the second ends us as it always did.
volatile std::sig_atomic_t stopped = 0;
void stop_when_asked() {
  struct sigaction action{};
  action.sa_handler = [](int) { stopped = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaction(number, &action, nullptr);
}

int make_backup(const Invocation& invocation, const BackupOptions& options) {
  const std::string& config_file = invocation.config;
  // What it names may have gone under a server that runs on.
  const auto parsed = config::parse_file(config_file);
  if (!parsed) return complain(parsed.error());
  for (const config::Problem& problem : parsed->problems) std::cerr << config::describe(problem, config_file) << "\n";
  if (!parsed->problems.empty())
    return complain({Errc::invalid, "nothing was backed up", "docs/configuration.md describes every key"});
  const config::Config* config = &parsed->config;
  if (!config->store.url.empty())
    return complain(
        {Errc::invalid, "this instance keeps its rows in PostgreSQL, which has tools of its own",
         fmt::format("copy the folder {} first, for journal and master key, then take pg_dump of the database",
                     config->data.string())});
  backup::Options wanted{config->data, config_file, options.file, {}, invocation.version, [] { return stopped != 0; }};
  if (options.without_keys) {
    wanted.config.clear();
  } else if (options.passphrase_file.empty()) {
    return complain({Errc::invalid, "a backup holds the master key, so it is sealed with a passphrase",
                     "name a file that holds one with --passphrase-file, and keep a copy of it elsewhere; or leave the "
                     "keys out with --without-keys"});
  } else {
    auto passphrase = passphrase_of(options.passphrase_file);
    if (!passphrase) return complain(passphrase.error());
    wanted.passphrase = *passphrase;
  }
  SystemRandom random;
  stop_when_asked();
  auto made = backup::make(wanted, SystemClock().wall(), random, progress_line());
  end_progress();
  if (!made) return complain(made.error());
  if (options.json) {
    std::string line;
    json::Writer(line).object().member("file", options.file).member("bytes", made->bytes).close_object();
    std::cout << line << "\n";
  } else {
    std::cout << fmt::format("{}: {:.1f} MiB, {}\n", options.file, static_cast<double>(made->bytes) / (1 << 20),
                             options.without_keys ? "without keys" : "sealed with the passphrase");
  }
  return 0;
}

int restore_backup(const RestoreOptions& options) {
  std::string passphrase;
  if (!options.passphrase_file.empty()) {
    auto read = passphrase_of(options.passphrase_file);
    if (!read) return complain(read.error());
    passphrase = *read;
  }
  if (!options.check && options.data.empty())
    return complain({Errc::invalid, "restore needs a folder to restore into", "name an empty or new one with --data"});
  auto restored = options.check ? backup::check(options.file, passphrase, progress_line())
                                : backup::restore(options.file, options.data, passphrase, progress_line());
  end_progress();
  if (!restored) return complain(restored.error());
  const auto& heading = restored->heading;
  if (options.json) {
    std::string line;
    json::Writer(line)
        .object()
        .member("made_at", time_text(heading.made_at))
        .member("version", heading.version)
        .member("keys", heading.keys)
        .member("rows_from_journal", restored->rows_from_journal)
        .close_object();
    std::cout << line << "\n";
    return 0;
  }
  std::cout << fmt::format("{} is whole: made {} by faelled {}\n", options.file, time_text(heading.made_at),
                           heading.version);
  if (options.check) return 0;
  std::cout << fmt::format("Restored into {}. Before you start the server on it:\n", options.data);
  if (heading.keys) {
    std::cout << fmt::format("  - the configuration of then is {}/faelled.yaml\n", options.data);
  } else {
    std::cout << fmt::format("  - put the master key at {}/master.key (chmod 600), or conversations stay sealed\n",
                             options.data);
  }
  std::cout << fmt::format(
      "  - keys, people and sessions are those of {}: what was revoked later works again; see 'faelled key list'\n",
      time_text(heading.made_at));
  return 0;
}

}  // namespace

void add_backup_commands(CLI::App& app, Invocation& invocation) {
  const auto wanted = std::make_shared<BackupOptions>();
  CLI::App& make = *app.add_subcommand(
      "backup", "Write store, journal and keys into one file, beside a running server or without one");
  wanted->declare(make);
  add_config(make, invocation, "The server's configuration file (also FAELLED_CONFIG)");
  make.add_flag("--without-keys", wanted->without_keys,
                "Leave out master key and configuration: the file is not secret, and opens no conversation")
      ->excludes("--passphrase-file");
  make.callback([wanted, &invocation] { invocation.status = make_backup(invocation, *wanted); });

  const auto kept = std::make_shared<RestoreOptions>();
  CLI::App& restore = *app.add_subcommand("restore", "Bring a backup back into an empty data folder");
  kept->declare(restore);
  restore.add_option("--data", kept->data, "The folder to restore into: empty, or not there yet");
  restore.add_flag("--check", kept->check, "Only prove that the backup is whole and would restore")->excludes("--data");
  restore.callback([kept, &invocation] { invocation.status = restore_backup(*kept); });
}

}  // namespace faelled::app
