// Watch: takes the readings that alarms are found from, and remembers since when each alarm stands. Disk and backup are
// looked at every limits::readings_kept at most; both are quick local reads. Owned by MaintenanceApi; loop's thread.
#pragma once

#include <filesystem>
#include <functional>
#include <map>

#include "gateway/context.hpp"
#include "portal/alarms.hpp"

namespace faelled::portal {

struct EngineLogFile {
  std::string further_on;  // the device of a further engine; empty: the model's first
  std::filesystem::path file;
};

// What the Portal is told about the server it is part of.
struct ServerFacts {
  std::string version = {};
  std::filesystem::path data = {};  // the data folder; empty: there is none to look at
  bool backs_up = true;             // `faelled backup` does, and not the database's own tools
  std::function<std::vector<EngineLogFile>(const std::string& model)> engine_logs = {};  // its first one's first
  std::function<std::vector<CertificateReading>()> certificates = {};
  std::function<bool()> store_answers = {};
  std::function<std::size_t()> connections = {};
  std::size_t connections_max = 0;
};

struct DiskReading {
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
};

struct BackupReading {
  WallTime made_at;
  std::uint64_t bytes = 0;
};

// From DATA/last_backup.json, which 'faelled backup' writes; nullopt: there is none, or it says nothing.
std::optional<BackupReading> last_backup_of(const std::filesystem::path& data);

struct StandingAlarm {
  Alarm alarm;
  WallTime since;
};

class Watch {
 public:
  Watch(ServerFacts facts, gateway::Context& context);

  const ServerFacts& facts() const { return facts_; }
  WallTime serving_since() const { return serving_since_; }
  std::optional<DiskReading> disk();
  std::optional<BackupReading> backup();
  std::vector<CertificateReading> certificates() const;

  std::vector<StandingAlarm> alarms();
  std::size_t standing(Severity severity);

 private:
  void look();
  Readings readings();

  ServerFacts facts_;
  gateway::Context& context_;
  WallTime serving_since_;
  std::optional<Instant> looked_at_;
  std::optional<DiskReading> disk_;
  std::optional<BackupReading> backup_;
  std::map<std::pair<std::string, std::string>, WallTime> since_;  // by id and what it is about
};

}  // namespace faelled::portal
