// Alarms: what somebody has to look at, found from readings that are taken elsewhere. The same conditions stand as
// rules for Prometheus in deploy/prometheus, and each id is the name of a page in docs/runbooks. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace faelled::portal {

struct CertificateReading {
  std::string name;  // whose it is, in plain words: a file, an upstream
  WallTime not_after;
};

struct ModelReading {
  std::string model;
  bool failed = false;
};

struct Readings {
  WallTime now;
  std::optional<std::uint64_t> disk_free_bytes = {};  // empty: could not be read
  bool journal_failed = false;
  bool store_answers = true;
  std::optional<WallTime> last_backup = {};  // empty: never
  std::optional<WallTime> serving_since = {};
  std::vector<ModelReading> models = {};
  std::vector<CertificateReading> certificates = {};
  std::size_t connections = 0;
  std::size_t connections_max = 0;  // 0: not known
};

enum class Severity : std::uint8_t { ticket, page };  // waits for the morning; wakes somebody

struct Alarm {
  std::string id;  // "disk-filling"
  Severity severity = Severity::ticket;
  std::string about;    // a model, a certificate; empty: the server itself
  std::string reading;  // what was found, as a number with its unit or a time; empty: nothing more to say
  bool operator==(const Alarm&) const = default;
};

std::string_view name_of(Severity severity);

// Those that wake somebody first.
std::vector<Alarm> alarms_of(const Readings& readings);

}  // namespace faelled::portal
