// LogWriter: the decision log's files: lines sealed into the chain and appended, a new file for each day and when one
// is full, heads at the end of each. Whoever owns it calls it from one thread at a time and may wait for a disk in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "commons/scheduler.hpp"
#include "decisions/chain.hpp"

namespace faelled::decisions {

struct LogOptions {
  std::filesystem::path folder;  // made if absent, mode 0700
  commons::Settings settings;    // of the scheduler whose decisions these are
  std::size_t file_bytes_max = limits::decisions_file_bytes_max;
  std::uint64_t bytes_max = limits::decisions_bytes_max;
  Duration kept = limits::decisions_days_max;
};

// What was seen and is not in a file yet.
struct Unwritten {
  std::string pseudonyms;  // rows of their table
  std::string lines;       // each with its newline
  std::uint64_t lost = 0;  // events that came after these lines and found no room
};

class LogWriter {
 public:
  // Begins a new file; an earlier one is never written to again. Errors: io.
  static Expected<std::unique_ptr<LogWriter>> open(LogOptions options, Instant now, WallTime wall);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Writes these after all that a write before could not; a new UTC day or a full file begins a new one. Errors: io;
  // what is not written is kept for the next time, in full: do not add to it for ever.
  Expected<void> write(const Unwritten& more, Instant now, WallTime wall);
  // The last line says that the server ended here.
  Expected<void> close(Instant now, WallTime wall);

 private:
  explicit LogWriter(LogOptions options) : options_(std::move(options)) {}

  Expected<void> begin_file(WallTime wall, const std::string& second);
  Expected<void> write_out();
  Expected<void> end_file();
  void remove_old(WallTime wall);
  std::filesystem::path path() const { return options_.folder / name_; }

  LogOptions options_;
  Chain chain_;
  std::string name_;
  std::size_t file_bytes_ = 0;
  int fd_ = -1;
  std::string pseudonyms_;  // unsaved rows
  std::string pending_;     // sealed
};

}  // namespace faelled::decisions
