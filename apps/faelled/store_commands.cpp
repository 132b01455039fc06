#include "store_commands.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "complain.hpp"
#include "storage.hpp"
#include "store/copy.hpp"

namespace faelled::app {
namespace {

Expected<config::Config> with_database(const std::string& file) {
  auto config = config::load(file);
  if (!config || !config->store.url.empty()) return config;
  return fail(Errc::invalid, file + " names no database: the store is a file in the data folder",
              "add store: postgresql://user@host:5432/database");
}

int status_of(const std::string& file) {
  auto config = config::load(file);
  if (!config) return complain(config.error());
  auto looked = look_at_store(*config);
  if (!looked) return complain(looked.error());
  std::printf("%s\n", looked->c_str());
  return 0;
}

int migrate(const std::string& file, bool dry_run) {
  auto config = with_database(file);
  if (!config) return complain(config.error());
  auto before = store::look_at_postgres(postgres_options(*config));
  if (!before) return complain(before.error());
  const auto missing = before->step_newest - before->step;
  if (missing <= 0) {
    std::printf("the schema is at step %lld; there is nothing to do\n", static_cast<long long>(before->step));
    return 0;
  }
  if (!dry_run) {
    if (auto opened = store::open_postgres_store(postgres_options(*config)); !opened) return complain(opened.error());
  }
  std::printf("%lld step(s) %s, from %lld to %lld; servers of the version before go on working\n",
              static_cast<long long>(missing), dry_run ? "would be taken" : "were taken",
              static_cast<long long>(before->step), static_cast<long long>(before->step_newest));
  return 0;
}

int copy(const std::string& file) {
  auto config = with_database(file);
  if (!config) return complain(config.error());
  // Holds the folder: a server that still runs on it would go on writing into what is left behind.
  auto folder = store::DataFolder::open(config->data);
  if (!folder) return complain(folder.error());
  SystemRandom random;
  auto options = postgres_options(*config);
  auto server = folder->server_id(SystemClock().wall(), random);
  if (!server) return complain(server.error());
  options.server = std::move(*server);
  auto copied = store::copy_to_postgres(folder->database(), options);
  if (!copied) return complain(copied.error());
  std::uint64_t rows = 0;
  for (const store::CopiedTable& table : *copied) {
    std::printf("%12llu  %s\n", static_cast<unsigned long long>(table.rows), table.name.c_str());
    rows += table.rows;
  }
  std::printf(
      "%llu rows copied, counted and compared. Start faelled with this configuration; %s stays as it is and is not "
      "used "
      "any more.\n",
      static_cast<unsigned long long>(rows), folder->database().c_str());
  return 0;
}

}  // namespace

Expected<std::string> look_at_store(const config::Config& config) {
  if (config.store.url.empty()) {
    const auto file = config.data / "faelled.db";
    std::error_code code;
    if (std::filesystem::is_regular_file(file, code)) return "store: SQLite, " + file.string();
    return fail(Errc::not_found, "there is no database at " + file.string(), "the first start of a server makes it");
  }
  auto looked = store::look_at_postgres(postgres_options(config));
  if (!looked) return std::unexpected(looked.error());
  const std::string rest =
      looked->step == looked->step_newest ? ""
      : looked->step > looked->step_newest
          ? "; it is of a newer version"
          : fmt::format(", {} step(s) are taken at the next start", looked->step_newest - looked->step);
  return fmt::format("store: PostgreSQL {}, schema step {} of {}{}", looked->server_version, looked->step,
                     looked->step_newest, rest);
}

void add_store_commands(CLI::App& app, Invocation& invocation) {
  auto* store = app.add_subcommand("store", "The database that holds keys, ledger and conversations");
  store->require_subcommand(1);
  const auto add = [&](const char* name, const char* help) {
    auto* command = store->add_subcommand(name, help);
    add_config(*command, invocation);
    return command;
  };
  add("status", "Which database it is, and of PostgreSQL whether it answers, and its schema; changes nothing")
      ->callback([&] { invocation.status = status_of(invocation.config); });
  auto dry_run = std::make_shared<bool>(false);
  auto* migration = add("migrate", "Bring the schema up to date now; a start does it too");
  migration->add_flag("--dry-run", *dry_run, "Say what would be done, and change nothing");
  migration->callback([&invocation, dry_run] { invocation.status = migrate(invocation.config, *dry_run); });
  add("copy",
      "Copy the data folder's SQLite file into the empty PostgreSQL that the configuration names; stop the "
      "server first")
      ->callback([&] { invocation.status = copy(invocation.config); });
}

}  // namespace faelled::app
