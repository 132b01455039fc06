#include "server_metrics.hpp"

#include <limits>
#include <optional>
#include <vector>

namespace faelled::app {
namespace {

using engines::Gauges;
using residency::Counts;

struct ModelCounter {
  const char* name;
  const char* help;
  std::uint64_t Counts::* count;
};
constexpr ModelCounter model_counters[] = {
    {"faelled_model_loads_total", "Models that were loaded", &Counts::loads},
    {"faelled_model_copies_total", "Of these, further engines of models that many waited for", &Counts::copies},
    {"faelled_model_sleeps_total", "Models that were put to sleep", &Counts::sleeps},
    {"faelled_model_forgets_total", "Of these, at level 2: without their weights", &Counts::forgets},
    {"faelled_model_wakes_total", "Models that were woken", &Counts::wakes},
    {"faelled_model_warmed_total", "Of these, before anybody asked: by habit", &Counts::warmed},
    {"faelled_model_warmed_used_total", "Of these, asked for before they went again", &Counts::warmed_used}};

struct EngineSeries {
  const char* name;
  const char* help;
  std::optional<double> Gauges::* value;
  bool counts = false;
};
constexpr EngineSeries engine_series[] = {
    {"faelled_engine_requests_running", "Requests that an engine works on, as it says itself", &Gauges::running},
    {"faelled_engine_requests_waiting", "Requests that an engine has taken and not begun, or put back",
     &Gauges::waiting},
    {"faelled_engine_kv_cache_used_ratio", "Part of an engine's memory for keys and values that is in use, 0 to 1",
     &Gauges::kv_used},
    {"faelled_engine_preemptions_total",
     "Requests that an engine put back for want of that memory; from 0 with each process", &Gauges::preemptions, true},
    {"faelled_engine_prefix_cache_queries_total",
     "Tokens of prompts that an engine looked for in its cache; from 0 with each process", &Gauges::prefix_queries,
     true},
    {"faelled_engine_prefix_cache_hits_total", "Of these, found", &Gauges::prefix_hits, true}};

std::vector<observe::Metrics::Shown> measured(const node::Node& node) {
  std::vector<observe::Metrics::Shown> all;
  for (const auto& [model, device, gauges] : node.measured()) {
    auto& shown = all.emplace_back(observe::Metrics::Shown{{{"model", model}, {"device", device}}, {}});
    for (const EngineSeries& series : engine_series) shown.values.push_back(gauges.*series.value);
  }
  return all;
}

}  // namespace

void add_server_metrics(const Process& process, const Storage& storage, const Pool& pool, Front& front) {
  observe::Metrics& metrics = process.metrics;
  const auto& context = front.context;
  auto& watch = front.portal.watch();
  const auto& mesh = pool.mesh;
  metrics.gauge("faelled_maintenance", "1 while operators have closed for maintenance",
                [&context] { return context.maintenance.on ? 1.0 : 0.0; });
  metrics.gauge("faelled_alarms_page", "Alarms that wake somebody, as the maintenance page shows them",
                [&watch] { return static_cast<double>(watch.standing(portal::Severity::page)); });
  metrics.gauge("faelled_alarms_ticket", "Alarms that wait for the morning",
                [&watch] { return static_cast<double>(watch.standing(portal::Severity::ticket)); });
  metrics.gauge("faelled_data_free_bytes", "Free disk below the data folder; NaN: the system does not say", [&watch] {
    const auto disk = watch.disk();
    return disk ? static_cast<double>(disk->free_bytes) : std::numeric_limits<double>::quiet_NaN();
  });
  if (watch.facts().backs_up)
    metrics.gauge("faelled_last_backup_timestamp_seconds", "When the last backup ended well; 0: never", [&watch] {
      const auto backup = watch.backup();
      return backup ? static_cast<double>(unix_seconds(backup->made_at)) : 0.0;
    });
  metrics.gauge("faelled_journal_failed", "1: the journal's disk has failed, and every request is refused",
                [&storage] { return storage.journal->stats().failed ? 1.0 : 0.0; });
  metrics.gauge("faelled_connections", "Open client connections",
                [&server = front.server] { return static_cast<double>(server.connections()); });
  metrics.gauge("faelled_connections_max", "Connections beyond which new ones are refused",
                [most = process.config.limits.connections] { return static_cast<double>(most); });
  for (const auto& [name, help, count] : model_counters)
    metrics.counter(name, help, [&mesh, count] { return static_cast<double>(mesh.residency_counts().*count); });
  if (mesh.energy()) {
    metrics.counter("faelled_modelled_idle_watt_hours_total",
                    "Of devices on which nobody used any engine, by residency.idle_w; no meter is read",
                    [&mesh] { return mesh.energy()->idle_wh; });
    metrics.counter("faelled_modelled_load_watt_hours_total",
                    "Of loads and wakings, by residency.load_w; no meter is read",
                    [&mesh] { return mesh.energy()->load_wh; });
  }
  metrics.gauge("faelled_waiting", "Tickets in line", [&mesh] { return static_cast<double>(mesh.waiting()); });
  metrics.gauge("faelled_running", "Tickets on an engine", [&mesh] { return static_cast<double>(mesh.running()); });
  metrics.gauge("faelled_journal_open", "Requests open in the journal",
                [&storage] { return static_cast<double>(storage.journal->stats().requests_open); });
  metrics.gauge("faelled_store_up", "1 while the store answers",
                [&storage] { return storage.thread->available() ? 1.0 : 0.0; });
  metrics.gauge("faelled_journal_segments", "Segments of the journal on disk: it grows while the store is away",
                [&storage] { return static_cast<double>(storage.journal->stats().segments); });
  std::vector<observe::Metrics::Named> names;
  for (const EngineSeries& series : engine_series) names.push_back({series.name, series.help, series.counts});
  metrics.series(std::move(names), [&node = pool.node] { return measured(node); });
}

}  // namespace faelled::app
