#include "portal/watch.hpp"

#include <algorithm>
#include <fstream>

#include "base/limits.hpp"
#include "json/document.hpp"

namespace faelled::portal {

std::optional<BackupReading> last_backup_of(const std::filesystem::path& data) {
  std::ifstream in(data / "last_backup.json", std::ios::binary);
  std::string text(limits::state_file_bytes_max, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  json::Document document;
  const auto root = document.parse(text);
  if (!root) return std::nullopt;
  const auto made_at = root->find("made_at_s"), bytes = root->find("bytes");
  const auto made_at_s = made_at ? made_at->integer() : std::nullopt;
  constexpr std::int64_t year_9999_s = 253'402'300'799;  // beyond it microseconds would overflow
  if (!made_at_s || *made_at_s < 0 || *made_at_s > year_9999_s) return std::nullopt;
  const auto size = bytes ? bytes->integer() : std::nullopt;
  return BackupReading{WallTime(std::chrono::seconds(*made_at_s)),
                       static_cast<std::uint64_t>(std::max<std::int64_t>(0, size.value_or(0)))};
}

Watch::Watch(ServerFacts facts, gateway::Context& context)
    : facts_(std::move(facts)), context_(context), serving_since_(context.clock.wall()) {}

void Watch::look() {
  const Instant now = context_.loop.now();
  if (facts_.data.empty() || (looked_at_ && now - *looked_at_ < limits::readings_kept)) return;
  looked_at_ = now;
  std::error_code error;
  const auto space = std::filesystem::space(facts_.data, error);
  disk_ = error ? std::nullopt : std::optional(DiskReading{space.available, space.capacity});
  if (facts_.backs_up) backup_ = last_backup_of(facts_.data);
}

std::optional<DiskReading> Watch::disk() {
  look();
  return disk_;
}

std::optional<BackupReading> Watch::backup() {
  look();
  return backup_;
}

std::vector<CertificateReading> Watch::certificates() const {
  return facts_.certificates ? facts_.certificates() : std::vector<CertificateReading>();
}

Readings Watch::readings() {
  look();
  Readings out{.now = context_.clock.wall()};
  if (disk_) out.disk_free_bytes = disk_->free_bytes;
  if (backup_) out.last_backup = backup_->made_at;
  if (!facts_.data.empty() && facts_.backs_up) out.serving_since = serving_since_;
  out.journal_failed = context_.journal.stats().failed;
  out.store_answers = !facts_.store_answers || facts_.store_answers();
  for (std::string& model : context_.mesh.failed()) out.models.push_back({std::move(model), true});
  out.certificates = certificates();
  if (facts_.connections) out.connections = facts_.connections();
  out.connections_max = facts_.connections_max;
  return out;
}

std::vector<StandingAlarm> Watch::alarms() {
  const Readings found = readings();
  std::map<std::pair<std::string, std::string>, WallTime> since;
  std::vector<StandingAlarm> out;
  for (Alarm& alarm : alarms_of(found)) {
    const std::pair key(alarm.id, alarm.about);
    const auto before = since_.find(key);
    const WallTime from = before == since_.end() ? found.now : before->second;
    since.emplace(key, from);
    out.push_back({std::move(alarm), from});
  }
  since_ = std::move(since);
  return out;
}

std::size_t Watch::standing(Severity severity) {
  const auto all = alarms();
  return static_cast<std::size_t>(
      std::ranges::count(all, severity, [](const auto& one) { return one.alarm.severity; }));
}

}  // namespace faelled::portal
