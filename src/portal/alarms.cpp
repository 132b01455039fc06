#include "portal/alarms.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.hpp"

namespace faelled::portal {
namespace {

void look_at_disk(const Readings& readings, std::vector<Alarm>& out) {
  if (!readings.disk_free_bytes || *readings.disk_free_bytes >= limits::disk_low_bytes) return;
  const bool full = *readings.disk_free_bytes < limits::disk_full_bytes;
  out.push_back({"disk-filling",
                 full ? Severity::page : Severity::ticket,
                 {},
                 fmt::format("{} MB", *readings.disk_free_bytes / 1'000'000)});
}

// A server of two days' age that never was backed up is as badly off as one whose backup is so old.
void look_at_backup(const Readings& readings, std::vector<Alarm>& out) {
  const auto since = readings.last_backup ? readings.last_backup : readings.serving_since;
  if (!since || readings.now - *since <= limits::backup_age_max) return;
  const auto hours = std::chrono::floor<std::chrono::hours>(readings.now - *since).count();
  out.push_back({"backup-old", Severity::ticket, {}, readings.last_backup ? fmt::format("{} h", hours) : ""});
}

void look_at_certificates(const Readings& readings, std::vector<Alarm>& out) {
  for (const CertificateReading& one : readings.certificates) {
    const auto left = one.not_after - readings.now;
    if (left > limits::certificate_soon) continue;
    const auto days = std::chrono::floor<std::chrono::days>(left).count();
    out.push_back({"certificate-expiring", left <= limits::certificate_now ? Severity::page : Severity::ticket,
                   one.name, fmt::format("{} d", days)});
  }
}

}  // namespace

std::string_view name_of(Severity severity) { return severity == Severity::page ? "page" : "ticket"; }

std::vector<Alarm> alarms_of(const Readings& readings) {
  std::vector<Alarm> found;
  if (readings.journal_failed) found.push_back({"journal-failed", Severity::page, {}, {}});
  if (!readings.store_answers) found.push_back({"store-down", Severity::page, {}, {}});
  look_at_disk(readings, found);
  for (const ModelReading& model : readings.models)
    if (model.failed) found.push_back({"model-down", Severity::page, model.model, {}});
  if (readings.connections_max > 0 && readings.connections * 10 > readings.connections_max * 9)
    found.push_back({"connections-full", Severity::page, {}, fmt::format("{}", readings.connections)});
  look_at_certificates(readings, found);
  look_at_backup(readings, found);
  std::vector<Alarm> out;
  for (const Severity severity : {Severity::page, Severity::ticket})
    std::ranges::copy_if(found, std::back_inserter(out), [&](const Alarm& one) { return one.severity == severity; });
  return out;
}

}  // namespace faelled::portal
