#include "serve.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

#include "demo.hpp"
#include "devices.hpp"
#include "front.hpp"
#include "front_ends/front_ends.hpp"
#include "housekeeping.hpp"
#include "keepers.hpp"
#include "keeping/configured_models.hpp"
#include "keeping/followers.hpp"
#include "listeners.hpp"
#include "net/event.hpp"
#include "net/watch.hpp"
#include "node/sandbox.hpp"
#include "pool.hpp"
#include "server_metrics.hpp"
#include "settings.hpp"
#include "storage.hpp"
#include "tls.hpp"

namespace faelled::app {
namespace {

constexpr auto balances_kept_max = 1s;
constexpr auto catalogue_rests_every = 60s;
constexpr auto answers_kept_max = 2s;  // at the end, after limits::http_drain_max

int refuse(const Error& error) {
  std::fprintf(stderr, "faelled: %s\n", error.message.c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "  %s\n", error.hint.c_str());
  return 1;
}

observe::Level level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::debug:
      return observe::Level::debug;
    case config::LogLevel::info:
      return observe::Level::info;
    case config::LogLevel::warn:
      return observe::Level::warn;
    case config::LogLevel::error:
      break;
  }
  return observe::Level::error;
}

// Thousands of streams need two descriptors each; a core file would hold what people wrote.
void set_process_limits() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  const rlimit none{1, 1};  // 0 would not stop a core pattern that is a pipe; 1 does (core(5))
  ::setrlimit(RLIMIT_CORE, &none);
}

// False: with these files of certificates no server can start, and that was said on standard error.
bool look_at_files(const config::Config& config, const std::string& file, WallTime now, observe::Log& log) {
  const TlsFindings tls = look_at_tls(config, now);
  for (const config::Problem& problem : tls.unusable)
    std::fprintf(stderr, "%s\n", config::describe(problem, file).c_str());
  if (!tls.unusable.empty()) return false;
  const auto memory = look_at_memory(config);
  for (const auto* warnings : {&config.warnings, &tls.warnings, &tls.out_of_date, &memory})
    for (const config::Problem& warning : *warnings)
      log.warn("configuration", {{"line", warning.line}, {"warning", warning.message}, {"hint", warning.hint}});
  const bool engines = !config.llama_server.empty() || !config.vllm.empty();
  if (engines && node::Sandbox::version() == 0)
    log.error("engines are kept from no files: Landlock is off", {{"hint", "see faelled doctor"}});
  return true;
}

// A front end is known by its key; without it all people behind it would count as one.
void look_at_front_ends(const config::Config& config, const members::Directory& directory, WallTime now,
                        observe::Log& log) {
  for (const config::FrontEnd& one : config.front_ends)
    if (!one.key_name.empty() && !front_ends::has_key(directory, one.key_member, one.key_name, now))
      log.warn("a front end's key is not there, and nobody is known behind it",
               {{"front_end", one.name},
                {"member", one.key_member},
                {"key", one.key_name},
                {"hint", "make a key of that name, or name another one under front_ends"}});
}

// What is for nobody but a member that is not there is for nobody.
void look_at_members(const std::vector<gateway::CatalogueModel>& models, const members::Directory& directory,
                     observe::Log& log) {
  const auto look = [&](const std::string& id, const std::vector<std::string>& members) {
    for (const std::string& member : members)
      if (!directory.member(member))
        log.warn("a model is for a member that is not there",
                 {{"model", id}, {"member", member}, {"hint", "make the member, or mend its id under models"}});
  };
  for (const gateway::CatalogueModel& model : models) {
    look(model.settings.id, model.members);
    for (const gateway::CatalogueAdapter& adapter : model.adapters) look(adapter.id, adapter.members);
  }
}

// With what the store knows, and whom the configuration names.
Expected<void> fill(members::Directory& directory, const config::Config& config, WallTime now) {
  const members::Act act{now, {store::ActorKind::config}};
  if (auto loaded = directory.load(configured_keys(config), now); !loaded) return loaded;
  for (const config::Member& member : config.members)
    if (auto made = directory.ensure_member(member.id, member.name, act); !made) return std::unexpected(made.error());
  for (const config::User& user : config.users)
    if (auto made = directory.ensure_user(user.member, user.name, act); !made) return std::unexpected(made.error());
  return {};
}

// Other servers on the same database change what we know; and what we could not write, a sign-out above all, is written
// as soon as the store answers again.
net::Task<void> follow_the_store(net::Loop& loop, const Clock& clock, members::Directory& directory) {
  while (true) {
    co_await loop.sleep(limits::store_follow_every);
    directory.follow(clock.wall());
  }
}

// What was looked at and is not asked for any more takes little room again.
net::Task<void> let_rest(net::Loop& loop, gateway::Catalogue& catalogue) {
  while (true) {
    co_await loop.sleep(catalogue_rests_every);
    catalogue.rest();
  }
}

// Answers under way, what is to outlive us, engines: in this order.
net::Task<void> wind_down(const Process& process, Front& front, Keepers& keepers, node::Node& node) {
  co_await front.server.drain(process.config.limits.drain);
  co_await front.portal.drain(answers_kept_max);
  // A database that is away must not keep us; the balances of a minute ago are in it. Shared: it may answer later.
  const auto kept = std::make_shared<net::Event>();
  net::Timer patience(process.loop, [kept] { kept->set(); });
  patience.arm(balances_kept_max);
  keepers.commons.save([&keepers, kept] { keepers.learned.save([kept] { kept->set(); }); });
  co_await *kept;
  net::Event ended;
  node.stop(Duration{}, [&ended] { ended.set(); });
  co_await ended;
  process.loop.stop();
}

// All that a server consists of, wired here and nowhere else. What stands further down uses what stands above it, and
// ends first.
int run(const ServeOptions& options, config::Config config) {
  set_process_limits();
  ::umask(0077);  // whatever we make is the server's own, in a folder of looser rights too
  auto log = observe::Log::open(config.log.file.string(), level_of(config.log.level));
  if (!log) return refuse(log.error());
  auto models = keeping::catalogue_models(config);
  if (!models) return refuse(models.error());
  // Before the data folder is made and locked: these two are read again by those who want them.
  if (const auto fetching = keeping::fetch_settings(config); !fetching) return refuse(fetching.error());
  if (const auto front_ends = front_ends_of(config); !front_ends) return refuse(front_ends.error());
  const SystemClock clock;
  if (!look_at_files(config, options.config, clock.wall(), **log)) return 1;
  config.models = {};  // they are in the catalogue from here on

  SystemRandom random;
  net::Loop loop;
  auto storage = open_storage(config, loop, clock, random, **log);
  if (!storage) return refuse(storage.error());
  members::Directory directory(*storage->thread, random);
  if (auto filled = fill(directory, config, clock.wall()); !filled) return refuse(filled.error());
  look_at_front_ends(config, directory, clock.wall(), **log);
  look_at_members(*models, directory, **log);
  observe::Metrics metrics(options.version);
  http::Client client(loop, config.limits.connect);
  const Process process{config, options.version, clock, loop, random, **log, metrics, client};

  std::vector<engines::ModelSettings> engine_settings;
  for (const gateway::CatalogueModel& model : *models) engine_settings.push_back(model.settings);
  gateway::Catalogue catalogue(std::move(*models), clock.wall());
  const auto pool = Pool::open(process, storage->folder, catalogue, std::move(engine_settings));
  if (!pool) return refuse(pool.error());
  const auto keepers = Keepers::open(process, *storage->thread, directory, catalogue, **pool);
  if (!keepers) return refuse(keepers.error());

  auto listeners = Listeners::open(process, storage->folder);
  if (!listeners) return refuse(listeners.error());
  std::optional<Demo> demo;
  if (options.demo) {
    auto made = make_demo(loop, directory, clock, listeners->url());
    if (!made) return refuse(made.error());
    demo = std::move(*made);
  }
  const auto front = Front::open({process, *storage, directory, catalogue, **pool, **keepers, *listeners});
  if (!front) return refuse(front.error());
  gateway::Context& context = (*front)->context;
  add_server_metrics(process, *storage, **pool, **front);

  if (auto started = (*pool)->node.start(); !started) return refuse(started.error());
  listeners->serve((*front)->server);
  (*log)->info("listening", {{"url", listeners->url()},
                             {"local_url", listeners->local_url()},
                             {"plain_url", listeners->plain_url()},
                             {"version", options.version},
                             {"data", config.data.string()}});

  net::Signals signals(loop, {SIGTERM, SIGINT}, [&](int number) {
    if (context.shutting_down) {
      // A second Ctrl-C means it; engines end with us. A second SIGTERM is a wrapper that tells its whole group.
      if (number == SIGINT) std::_Exit(128 + number);
      return;
    }
    context.shutting_down = true;
    (*pool)->decisions_checker.stop();
    (*keepers)->downloads.stop();
    (*log)->info("draining", {{"signal", number}});
    loop.spawn(wind_down(process, **front, **keepers, (*pool)->node));
  });
  members::Retention retention(directory, *storage->thread);
  loop.spawn(keep_house(context, directory, retention));
  loop.spawn(tell_the_time(context, (*pool)->mesh));
  loop.spawn(let_rest(loop, catalogue));
  keeping::Followers followers{loop, *storage->thread, (*keepers)->catalogue, (*keepers)->aliases, (*front)->portal};
  directory.on_followed([&followers](const store::Changes& changes) { followers.hear(changes); });
  loop.spawn(follow_the_store(loop, clock, directory));
  if (demo) loop.spawn(greet(options.json, context, listeners->url(), *demo));
  loop.run();

  (*pool)->decisions_keeper.close();
  directory.audit().flush(std::nullopt);
  storage->thread->stop();
  (*log)->info("ended");
  return 0;
}

}  // namespace

int serve(const ServeOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  auto config = config::load(options.config);
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().message.c_str());
    if (!config.error().hint.empty()) std::fprintf(stderr, "  %s\n", config.error().hint.c_str());
    if (config.error().code == Errc::not_found)
      std::fputs("  docs/configuration.md shows how to write one; name it with --config FILE or FAELLED_CONFIG\n",
                 stderr);
    return 1;
  }
  return run(options, std::move(*config));
}

}  // namespace faelled::app
