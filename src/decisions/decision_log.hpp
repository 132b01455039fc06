// DecisionLog: every event of the commons and what was decided about it, in files that vouch for each other, with
// pseudonyms. Complete from the start of the process on, so that the same scheduler can be run over it again.
//
// saw() makes a line in memory; a thread of its own hashes and writes what write() hands it, so that no request waits
// for either. What was not written is lost by a kill -9: at most limits::decisions_write_every and one write, and the
// chain shows where it ends. The disk is told to sync at the end of a file. Owned by main(); all calls on the loop's
// thread. The format: docs/audit-replay.md.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "commons/events.hpp"
#include "decisions/log_writer.hpp"
#include "decisions/pseudonyms.hpp"

namespace faelled::decisions {

class DecisionLog {
 public:
  // Begins a new file; an earlier one is never written to again. Errors: io, invalid (the table of pseudonyms).
  static Expected<std::unique_ptr<DecisionLog>> open(LogOptions options, Instant now, WallTime wall, Random& random);
  ~DecisionLog();
  DecisionLog(const DecisionLog&) = delete;
  DecisionLog& operator=(const DecisionLog&) = delete;

  // While the disk takes nothing, up to limits::decisions_waiting_bytes_max are kept. What comes then is lost: it is
  // counted, and the count written as soon as something can be written again.
  void saw(Instant at, const commons::Event& event, std::span<const commons::Action> actions);

  bool waiting() const;  // something is not written yet
  // Enough waits to be written before its time. Not while the disk takes nothing: each event would try it again.
  bool full() const;
  // Hands what waits to the thread. While that still writes, nothing: ask again later.
  void write(Instant now, WallTime wall);
  // How the last write ended; io: what it could not write is tried again by the next one.
  Expected<void> written() const;

  // As write(), and waits for its end. Errors: io.
  Expected<void> drain(Instant now, WallTime wall);
  // The last line says that the server ended here. Waits for the disk. Nothing may be seen afterwards. Errors: io.
  Expected<void> close(Instant now, WallTime wall);

  std::uint64_t lost() const { return lost_; }

 private:
  class Thread;
  DecisionLog(std::unique_ptr<LogWriter> writer, Pseudonyms pseudonyms);

  std::unique_ptr<Thread> thread_;
  Pseudonyms pseudonyms_;
  Unwritten unwritten_;
  std::uint64_t lost_ = 0;
};

}  // namespace faelled::decisions
