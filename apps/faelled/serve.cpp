#include "serve.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>
#include <utility>

#include "alias_keeper.hpp"
#include "catalogue_keeper.hpp"
#include "commons_keeper.hpp"
#include "config/config.hpp"
#include "decisions/decision_log.hpp"
#include "decisions_checker.hpp"
#include "decisions_keeper.hpp"
#include "demo.hpp"
#include "downloads_keeper.hpp"
#include "followers.hpp"
#include "gateway/gateway.hpp"
#include "gateway/http_sink.hpp"
#include "habits_keeper.hpp"
#include "housekeeping.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "json/writer.hpp"
#include "ledger/journal.hpp"
#include "members/directory.hpp"
#include "mesh/mesh.hpp"
#include "net/listener.hpp"
#include "net/loop.hpp"
#include "net/watch.hpp"
#include "node/engine_log.hpp"
#include "node/gpu_watch.hpp"
#include "node/node.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "portal/portal.hpp"
#include "residents.hpp"
#include "settings.hpp"
#include "storage.hpp"
#include "tls.hpp"

extern char** environ;

namespace faelled::app {
namespace {

constexpr auto balances_kept_max = 1s;
constexpr auto gpus_read_every = 5s;
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

// What never became a request of the gateway's: bad HTTP, too late, too many.
http::ErrorAnswer error_answer(int status, std::string_view message, std::string_view request_id) {
  using openai::Cause;
  const Cause cause = status == 413   ? Cause::body_too_large
                      : status == 408 ? Cause::request_timeout
                      : status == 503 ? Cause::overloaded
                                      : Cause::invalid_value;
  const openai::ApiError error{cause, std::string(message), status == 413 ? "body" : ""};
  return {gateway::error_headers(error, request_id), openai::error_body(error)};
}

// The operator's addresses: no key, no content, no secret in any of them.
class Probes {
 public:
  Probes(gateway::Context& context, const Storage& storage) : context_(context), storage_(storage) {}

  bool handle(const http::Request& request, http::Reply& reply) const {
    if (request.path == "/livez") {
      reply.send(200, "Content-Type: text/plain\r\n", "ok\n");
    } else if (request.path == "/readyz") {
      ready(reply);
    } else if (request.path == "/metrics") {
      reply.send(200, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n", context_.metrics.text());
    } else {
      return false;
    }
    return true;
  }

 private:
  void ready(http::Reply& reply) const {
    const bool journal = !storage_.journal->stats().failed;
    // Not a reason to send nobody here: what is known goes on working while the store is away.
    const bool store = storage_.thread->available();
    const bool ready = journal && !context_.shutting_down;
    std::string body;
    json::Writer out(body);
    out.object()
        .member("ready", ready)
        .member("draining", context_.shutting_down)
        .member("journal", journal)
        .member("store", store);
    out.key("models").object();
    // A probe comes every few seconds: of a large catalogue it is not told all that is absent.
    constexpr std::size_t told_max = 1000;
    if (context_.catalogue.names().size() <= told_max)
      for (const rpc::ModelStatus& model : context_.mesh.models())
        out.member(model.model, model.state == rpc::EngineState::ready);
    out.close_object().close_object();
    body += '\n';
    reply.send(ready ? 200 : 503, "Content-Type: application/json\r\n", body);
  }

  gateway::Context& context_;
  const Storage& storage_;
};

// Other servers on the same database change what we know.
net::Task<void> follow_others(net::Loop& loop, const Clock& clock, members::Directory& directory) {
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

std::vector<std::string> own_environment() {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
  return all;
}

std::string url_of(std::string_view scheme, const config::Listen& listen, std::uint16_t port) {
  std::string host = listen.host == "0.0.0.0" ? "127.0.0.1" : listen.host == "::" ? "::1" : listen.host;
  if (host.contains(':')) host = "[" + host + "]";
  return fmt::format("{}://{}:{}", scheme, host, port);
}

int run(const ServeOptions& options, config::Config config) {
  set_process_limits();
  ::umask(0077);  // whatever we make is the server's own, in a folder of looser rights too
  auto log = observe::Log::open(config.log.file.string(), level_of(config.log.level));
  if (!log) return refuse(log.error());
  auto models = catalogue_models(config);
  if (!models) return refuse(models.error());

  const SystemClock clock;
  const TlsFindings tls_findings = look_at_tls(config, clock.wall());
  if (!tls_findings.unusable.empty()) {
    for (const config::Problem& problem : tls_findings.unusable)
      std::fprintf(stderr, "%s\n", config::describe(problem, options.config).c_str());
    return 1;
  }
  for (const auto* warnings : {&std::as_const(config.warnings), &tls_findings.warnings, &tls_findings.out_of_date})
    for (const config::Problem& warning : *warnings)
      (*log)->warn("configuration", {{"line", warning.line}, {"warning", warning.message}, {"hint", warning.hint}});
  config.models = {};  // they are in the catalogue from here on
  SystemRandom random;
  net::Loop loop;
  auto storage = open_storage(config, loop, clock, random, **log);
  if (!storage) return refuse(storage.error());

  members::Directory directory(*storage->thread, random);
  const auto keys = configured_keys(config);
  if (auto loaded = directory.load(keys, clock.wall()); !loaded) return refuse(loaded.error());
  for (const config::Member& member : config.members)
    if (auto made = directory.ensure_member(member.id, member.name, {clock.wall(), {store::ActorKind::config}}); !made)
      return refuse(made.error());
  for (const config::User& user : config.users)
    if (auto made = directory.ensure_user(user.member, user.name, {clock.wall(), {store::ActorKind::config}}); !made)
      return refuse(made.error());

  observe::Metrics metrics(options.version);
  http::Client client(loop, config.limits.connect);
  std::vector<engines::ModelSettings> engine_settings;
  for (const gateway::CatalogueModel& model : *models) engine_settings.push_back(model.settings);
  gateway::Catalogue catalogue(std::move(*models), clock.wall());
  mesh::Mesh::Settings mesh_settings{{catalogue.names().begin(), catalogue.names().end()}};
  mesh_settings.residency.turn_least = config.residency.turn;
  mesh_settings.residency.promise_least = config.residency.promise;
  mesh_settings.residency.unused_after = config.residency.unused_after;
  mesh_settings.residency.idle_w = config.residency.idle_w;
  mesh_settings.residency.load_w = config.residency.load_w;
  mesh_settings.residency.wait_w = config.residency.wait_w;
  mesh_settings.residency.patience = config.residency.patience;
  constexpr double never = 2;
  if (!config.residency.warm) mesh_settings.residency.habit_least = never;
  mesh_settings.commons.waiting_max = static_cast<std::uint32_t>(config.limits.waiting);
  auto decision_log = decisions::DecisionLog::open({storage->folder.decisions(), mesh_settings.commons}, clock.now(),
                                                   clock.wall(), random);
  if (!decision_log) return refuse(decision_log.error());
  mesh::Mesh mesh(clock, mesh_settings);
  DecisionsKeeper decisions_keeper(loop, clock, mesh, **decision_log, **log);
  DecisionsChecker decisions_checker(loop, clock, **log,
                                     [folder = storage->folder.decisions()](const decisions::Stopped& stopped) {
                                       return decisions::check_log(folder, stopped);
                                     });
  node::Node::Settings node_settings;
  node_settings.folder = std::filesystem::absolute(storage->folder.path()).string();
  for (const mesh::Resident& model : residents_of(engine_settings, config.residency.sleep, **log)) mesh.know(model);
  const auto memory = memory_for_models(config);
  if (memory) node_settings.devices.push_back(*memory);
  GpusFound gpus = find_gpus(config, **log);
  node_settings.gpus = gpus.all;
  if (memory && config.residency.sleep) node_settings.gpu_backing = memory->device;
  node_settings.models = std::move(engine_settings);
  node_settings.environment = own_environment();
  const CatalogueKeeper* settings_from = nullptr;  // there before the first engine begins
  node_settings.look_up = [&settings_from](const std::string& model) {
    return settings_from != nullptr ? settings_from->settings_of(model) : std::nullopt;
  };
  node::Node node(loop, client, clock, random, **log, mesh, std::move(node_settings));
  mesh.nodes(node);
  std::optional<node::GpuWatch> gpu_watch;
  if (!gpus.all.empty()) {
    gpu_watch.emplace(loop, std::move(*gpus.driver), gpus_read_every,
                      [&node](const std::vector<node::Gpu>& now) { node.read(now); });
    node.on_gpu_wish([&gpu_watch] { gpu_watch->now(); });
  }
  net::Timer memory_timer(loop, [&mesh] { mesh.look_at_memory(); });
  mesh.on_wake([&memory_timer](Instant at) {
    if (at == Instant::max()) {
      memory_timer.cancel();
    } else {
      memory_timer.arm_at(at);
    }
  });
  auto how_to_fetch = fetch_settings(config);
  if (!how_to_fetch) return refuse(how_to_fetch.error());
  DownloadsKeeper downloads_keeper({loop, clock, mesh, **log, metrics, std::move(*how_to_fetch)});
  CatalogueKeeper catalogue_keeper({config, catalogue, mesh, downloads_keeper, node, **log, metrics,
                                    memory ? memory->bytes : 0, largest_of(gpus.all)});
  settings_from = &catalogue_keeper;
  if (auto restored = each_named(*storage->thread, store::NamedKind::model,
                                 [&](const auto& rows) { catalogue_keeper.restore(rows); });
      !restored)
    return refuse(restored.error());
  catalogue_keeper.restored();
  AliasKeeper alias_keeper(
      loop, catalogue, mesh, **log,
      [&clock, &store = *storage->thread](const std::string& name, std::uint64_t version, const std::string& value) {
        const store::NamedRow row{name, version, value, clock.wall()};
        store.ask([row](store::Store& s) { return s.update_named(store::NamedKind::alias, row); },
                  std::function<void(Expected<void>)>([](const Expected<void>&) {}));
      });
  if (auto restored =
          each_named(*storage->thread, store::NamedKind::alias, [&](const auto& rows) { alias_keeper.restore(rows); });
      !restored)
    return refuse(restored.error());
  HabitsKeeper habits_keeper(loop, clock, mesh, *storage->thread, **log);
  if (auto restored = habits_keeper.restore(); !restored) return refuse(restored.error());
  CommonsKeeper commons_keeper(loop, clock, mesh, directory, *storage->thread, **log);
  if (auto restored = commons_keeper.restore(); !restored) return refuse(restored.error());
  mesh.on_engine_fault([&node](const std::string& engine) { node.look_at(engine); });
  mesh.on_engine_restart(
      [&metrics](const std::string& model, std::uint64_t times) { metrics.model(model).engine_restarted(times); });

  gateway::Context context{
      loop, clock, random, client, mesh, *storage->journal, catalogue, metrics, **log, gateway_settings(config),
      {},   0,     false};
  auto known_front_ends = front_ends_of(config);
  if (!known_front_ends) return refuse(known_front_ends.error());
  front_ends::FrontEnds front_ends(std::move(*known_front_ends), directory);
  gateway::Gateway gateway(context, directory, &front_ends);
  const Probes probes(context, *storage);

  auto listener = net::Listener::tcp(loop, config.listen.host, config.listen.port);
  if (!listener) return refuse(listener.error());
  auto owner = net::Listener::unix_socket(loop, storage->folder.control_socket().string());
  if (!owner) return refuse(owner.error());
  // Which listener speaks TLS: one of its own where it has an address, else the only one.
  std::unique_ptr<TlsEdge> tls;
  std::optional<net::Listener> plain(std::move(*listener));
  std::optional<net::Listener> secure;
  std::string local_url = url_of("http", config.listen, plain->port());
  if (config.tls) {
    auto edge = TlsEdge::open(*config.tls, loop, **log, metrics, clock);
    if (!edge) return refuse(edge.error());
    tls = std::move(*edge);
    const config::Listen& at = config.tls->listen ? *config.tls->listen : config.listen;
    if (config.tls->listen) {
      auto own = net::Listener::tcp(loop, at.host, at.port);
      if (!own) return refuse(own.error());
      secure.emplace(std::move(*own));
    } else {
      secure.emplace(std::move(*plain));
      plain.reset();
    }
    local_url = url_of("https", at, secure->port());
  }
  const std::string url = config.public_url.empty() ? local_url : config.public_url;
  std::optional<Demo> demo;
  if (options.demo) {
    auto made = make_demo(loop, directory, clock, url);
    if (!made) return refuse(made.error());
    demo = std::move(*made);
  }
  http::Server* listening = nullptr;
  portal::ServerFacts facts;
  facts.version = options.version;
  facts.data = std::filesystem::absolute(storage->folder.path());
  facts.engine_log = [logs = facts.data / "engines"](const std::string& id) {
    return logs / (node::file_name_of(id) + ".log");
  };
  facts.connections = [&listening] { return listening == nullptr ? 0 : listening->connections(); };
  facts.connections_max = config.limits.connections;
  facts.store_answers = [&storage] { return storage->thread->available(); };
  if (tls) {
    facts.certificates = [edge = tls.get()] {
      const crypto::Certificate& own = edge->certificate();
      return std::vector<portal::CertificateReading>{
          {own.common_name.empty() ? own.subject : own.common_name, own.not_after}};
    };
  }
  portal::Portal portal({context,
                         gateway,
                         directory,
                         *storage->thread,
                         *storage->ledger,
                         *storage->conversations,
                         url,
                         {},
                         &front_ends,
                         std::move(facts),
                         &mesh,
                         &decisions_checker,
                         &mesh,
                         &catalogue_keeper,
                         &alias_keeper,
                         device_names_of(gpus.all)});
  if (auto restored = portal.restore(); !restored) return refuse(restored.error());

  http::Server server(
      loop, server_bounds(config),
      [&](const http::Request& request, http::Reply& reply) -> net::Task<void> {
        if (request.path.starts_with("/v1/") || request.path == "/v1") return gateway.handle(request, reply);
        if (probes.handle(request, reply)) return []() -> net::Task<void> { co_return; }();
        return portal.handle(request, reply);
      },
      [&](int status, std::string_view message) {
        metrics.rejected(status);
        return error_answer(status, message, gateway.new_request_id());
      });
  server.admit_by([&](const http::Request& head, http::Reply& reply) {
    if (head.path.starts_with("/v1/")) return gateway.admit(head, reply);
    return portal.admit(head, reply);
  });
  server.trust_proxies(trusted_proxies(config));
  listening = &server;
  metrics.gauge("faelled_maintenance", "1 while operators have closed for maintenance",
                [&] { return context.maintenance.on ? 1.0 : 0.0; });
  metrics.gauge("faelled_alarms_page", "Alarms that wake somebody, as the maintenance page shows them",
                [&] { return static_cast<double>(portal.watch().standing(portal::Severity::page)); });
  metrics.gauge("faelled_alarms_ticket", "Alarms that wait for the morning",
                [&] { return static_cast<double>(portal.watch().standing(portal::Severity::ticket)); });
  metrics.gauge("faelled_data_free_bytes", "Free disk below the data folder", [&] {
    const auto disk = portal.watch().disk();
    return disk ? static_cast<double>(disk->free_bytes) : 0.0;
  });
  metrics.gauge("faelled_last_backup_timestamp_seconds", "When the last backup ended well; 0: never", [&] {
    const auto backup = portal.watch().backup();
    return backup ? static_cast<double>(unix_seconds(backup->made_at)) : 0.0;
  });
  metrics.gauge("faelled_journal_failed", "1: the journal's disk has failed, and every request is refused",
                [&] { return storage->journal->stats().failed ? 1.0 : 0.0; });
  metrics.gauge("faelled_connections", "Open client connections",
                [&] { return static_cast<double>(server.connections()); });
  metrics.gauge("faelled_connections_max", "Connections beyond which new ones are refused",
                [&] { return static_cast<double>(config.limits.connections); });
  metrics.counter("faelled_model_loads_total", "Models that were loaded",
                  [&] { return static_cast<double>(mesh.residency_counts().loads); });
  metrics.counter("faelled_model_copies_total", "Of these, further engines of models that many waited for",
                  [&] { return static_cast<double>(mesh.residency_counts().copies); });
  metrics.counter("faelled_model_sleeps_total", "Models that were put to sleep",
                  [&] { return static_cast<double>(mesh.residency_counts().sleeps); });
  metrics.counter("faelled_model_forgets_total", "Of these, at level 2: without their weights",
                  [&] { return static_cast<double>(mesh.residency_counts().forgets); });
  metrics.counter("faelled_model_wakes_total", "Models that were woken",
                  [&] { return static_cast<double>(mesh.residency_counts().wakes); });
  metrics.counter("faelled_model_warmed_total", "Of these, before anybody asked: by habit",
                  [&] { return static_cast<double>(mesh.residency_counts().warmed); });
  metrics.counter("faelled_model_warmed_used_total", "Of these, asked for before they went again",
                  [&] { return static_cast<double>(mesh.residency_counts().warmed_used); });
  metrics.gauge("faelled_waiting", "Tickets in line", [&] { return static_cast<double>(mesh.waiting()); });
  metrics.gauge("faelled_running", "Tickets on an engine", [&] { return static_cast<double>(mesh.running()); });
  metrics.gauge("faelled_journal_open", "Requests open in the journal",
                [&] { return static_cast<double>(storage->journal->stats().requests_open); });

  metrics.gauge("faelled_store_up", "1 while the store answers",
                [&] { return storage->thread->available() ? 1.0 : 0.0; });
  metrics.gauge("faelled_journal_segments", "Segments of the journal on disk: it grows while the store is away",
                [&] { return static_cast<double>(storage->journal->stats().segments); });

  if (auto started = node.start(); !started) return refuse(started.error());
  const std::string plain_url = plain && secure ? url_of("http", config.listen, plain->port()) : "";
  if (plain) server.serve(std::move(*plain));
  if (secure) tls->serve(server, std::move(*secure));
  server.serve_owner(std::move(*owner));
  (*log)->info("listening", {{"url", url},
                             {"local_url", local_url},
                             {"plain_url", plain_url},
                             {"version", options.version},
                             {"data", config.data.string()}});

  const auto wind_down = [&]() -> net::Task<void> {
    co_await server.drain(config.limits.drain);
    co_await portal.drain(answers_kept_max);
    // A database that is away must not keep us; the balances of a minute ago are in it. Shared: it may answer later.
    const auto kept = std::make_shared<net::Event>();
    net::Timer patience(loop, [kept] { kept->set(); });
    patience.arm(balances_kept_max);
    habits_keeper.save([&commons_keeper, kept] { commons_keeper.save([kept] { kept->set(); }); });
    co_await *kept;
    net::Event ended;
    node.stop(Duration{}, [&ended] { ended.set(); });
    co_await ended;
    loop.stop();
  };
  net::Signals signals(loop, {SIGTERM, SIGINT}, [&](int number) {
    if (context.shutting_down) {
      // A second Ctrl-C means it; engines end with us. A second SIGTERM is a wrapper that tells its whole group.
      if (number == SIGINT) std::_Exit(128 + number);
      return;
    }
    context.shutting_down = true;
    decisions_checker.stop();
    downloads_keeper.stop();
    (*log)->info("draining", {{"signal", number}});
    loop.spawn(wind_down());
  });
  members::Retention retention(directory, *storage->thread);
  loop.spawn(keep_house(context, directory, retention));
  loop.spawn(tell_the_time(context, mesh));
  loop.spawn(let_rest(loop, catalogue));
  Followers followers{loop, *storage->thread, catalogue_keeper, alias_keeper, portal};
  directory.on_followed([&followers](const store::Changes& changes) { followers.hear(changes); });
  if (!config.store.url.empty()) loop.spawn(follow_others(loop, clock, directory));
  if (demo) loop.spawn(greet(options.json, context, url, *demo));
  loop.run();
  decisions_keeper.close();
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
