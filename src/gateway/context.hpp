// Context: what every exchange uses, and how long it bears with whom. main() owns it all and it outlives them; loop's
// thread.
#pragma once

#include <cstdint>

#include "base/limits.hpp"
#include "base/random.hpp"
#include "engines/member_salts.hpp"
#include "gateway/catalogue.hpp"
#include "gateway/maintenance.hpp"
#include "http/client.hpp"
#include "json/document.hpp"
#include "ledger/journal.hpp"
#include "members/directory.hpp"
#include "net/loop.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "rpc/ports.hpp"

namespace faelled::gateway {

struct Settings {
  Duration wait_max = limits::ticket_wait_max;
  Duration total_max = limits::ticket_total_max;  // from the first place on an engine to the last byte
  Duration silence_max = limits::engine_silence_max;
  Duration keep_alive_every = limits::keep_alive_every;
  Duration waiting_note_after = limits::waiting_note_after;
  Duration standing_every = limits::standing_every;
};

struct Context {
  const members::Directory& directory;
  net::Loop& loop;
  const Clock& clock;
  Random& random;
  http::Client& client;
  rpc::MeshPort& mesh;
  ledger::Journal& journal;
  const Catalogue& catalogue;
  observe::Metrics& metrics;
  observe::Log& log;
  Settings settings;
  json::Document document;  // scratch; holds nothing across a suspension
  std::uint64_t last_ticket = 0;
  bool shutting_down = false;
  Maintenance maintenance = {};
  engines::MemberSalts salts = {};
};

}  // namespace faelled::gateway
