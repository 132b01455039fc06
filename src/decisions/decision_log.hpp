// DecisionLog: every event of the commons and what was decided about it, in files that vouch for each other, with
// pseudonyms. Complete from the start of the process on, so that the same scheduler can be run over it again.
//
// saw() makes a line in memory, without a system call; drain() writes what there is with one. What was not written is
// lost by a kill -9: at most limits::decisions_write_every, and the chain shows where it ends. The disk is told to sync
// at the end of a file. Owned by main(); loop's thread. The format: docs/audit-replay.md.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "commons/events.hpp"
#include "commons/scheduler.hpp"
#include "decisions/chain.hpp"
#include "decisions/pseudonyms.hpp"

namespace faelled::decisions {

class DecisionLog {
 public:
  struct Options {
    std::filesystem::path folder;  // made if absent, mode 0700
    commons::Settings settings;    // of the scheduler whose decisions these are
    std::size_t file_bytes_max = limits::decisions_file_bytes_max;
    std::uint64_t bytes_max = limits::decisions_bytes_max;
    Duration kept = limits::decisions_days_max;
  };

  // Begins a new file; an earlier one is never written to again. Errors: io, invalid (the table of pseudonyms).
  static Expected<std::unique_ptr<DecisionLog>> open(Options options, Instant now, WallTime wall, Random& random);
  ~DecisionLog();
  DecisionLog(const DecisionLog&) = delete;
  DecisionLog& operator=(const DecisionLog&) = delete;

  void saw(Instant at, const commons::Event& event, std::span<const commons::Action> actions);

  // Something waits to be written.
  bool waiting() const { return !pending_.empty(); }
  // Writes what waits; a new UTC day or a full file begins a new one. Errors: io; what waits is kept for the next time,
  // up to limits::decisions_waiting_bytes_max. What does not fit is counted and the count written.
  Expected<void> drain(Instant now, WallTime wall);
  // The last line says that the server ended here. Nothing may be seen afterwards.
  Expected<void> close(Instant now, WallTime wall);

  std::uint64_t lost() const { return lost_all_; }

 private:
  DecisionLog(Options options, Pseudonyms pseudonyms)
      : options_(std::move(options)), pseudonyms_(std::move(pseudonyms)) {}

  Expected<void> begin_file(WallTime wall, const std::string& second);
  Expected<void> write_out();
  Expected<void> end_file();
  void remove_old(WallTime wall);
  std::filesystem::path path() const { return options_.folder / name_; }

  Options options_;
  Pseudonyms pseudonyms_;
  Chain chain_;
  std::string name_;
  std::size_t file_bytes_ = 0;
  int fd_ = -1;
  std::string pending_;
  std::string line_;
  std::uint64_t lost_ = 0;  // since the last line that told
  std::uint64_t lost_all_ = 0;
  bool failing_ = false;
};

}  // namespace faelled::decisions
