// Replay: checks files of the decision log and runs the scheduler over them again. Files come oldest first. Where a
// line was changed, is missing or was moved, where a file is missing or cut off, where a decision differs from what the
// scheduler decides: each is found and named. Needs neither a server nor the table of pseudonyms. A value; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "commons/event_text.hpp"
#include "commons/scheduler.hpp"
#include "decisions/chain.hpp"
#include "decisions/disk.hpp"
#include "decisions/heads.hpp"

namespace faelled::decisions {

struct Finding {
  std::string file;
  std::uint64_t line = 0;  // 0: the file as a whole
  std::string what;
  bool fault = true;  // else worth knowing: a server that was killed, a log that begins in the middle
  bool operator==(const Finding&) const = default;
};

// Of one member, over all that was replayed.
struct MemberSums {
  std::string pseudonym;
  commons::Work served = 0;
  commons::Work lent = 0;
  commons::Work borrowed = 0;
  std::uint64_t asked = 0;             // tickets
  std::uint64_t granted_floor = 0;     // grants, on its floor
  std::uint64_t granted_borrowed = 0;  // and on what others left idle
  std::uint64_t expired = 0;
  std::uint64_t refused = 0;  // in a full line
  bool operator==(const MemberSums&) const = default;
};

struct ReplayReport {
  std::vector<Finding> findings;
  std::uint64_t files = 0;
  std::uint64_t lines = 0;
  std::uint64_t starts = 0;      // of the server
  std::uint64_t events = 0;      // replayed
  std::uint64_t skipped = 0;     // before the first start, or after a fault that makes a replay worthless
  std::uint64_t differing = 0;   // decisions that are not what the scheduler decides
  std::uint64_t violations = 0;  // of the promises that the referee holds them to
  std::uint64_t floor_violations = 0;
  std::optional<WallTime> from;
  std::optional<WallTime> to;
  std::vector<MemberSums> members;  // by pseudonym

  bool in_order() const;
};

class Replay {
 public:
  // Heads that somebody kept elsewhere. Those of files before the first one are not looked at. Once `stopped` says so
  // no further line is read, and the report is worth nothing.
  explicit Replay(std::span<const Head> heads = {}, Stopped stopped = {});
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // `name` is the file's own, without a folder.
  void file(std::string_view name, std::string_view content);
  ReplayReport finish();

 private:
  struct Run;  // from a start of the server on

  void say(std::string what, std::uint64_t line, bool fault);
  void sealed(const SealedLine& line);
  void check_chain(const SealedLine& line);
  void tell_missing();
  void act(const SealedLine& line);
  void decide(const SealedLine& line);
  void begin_run(const SealedLine& line);
  void end_run();

  Stopped stopped_;
  ReplayReport report_;
  std::map<std::string, MemberSums, std::less<>> sums_;
  std::map<std::pair<std::string, std::uint64_t>, std::string> kept_heads_;  // by file and line
  std::unique_ptr<Run> run_;  // none: before the first start, or after a fault that makes the rest of a run worthless
  bool ended_ = true;         // the last line said that the server ended
  bool torn_ = false;         // the file ends in the middle of a line

  std::string name_;
  std::string first_name_;
  std::size_t findings_ = 0;  // in this file
  std::uint64_t lines_ = 0;   // highest number so far in this file
  // What the next line may go on from: what the last line says, and what it should say. Empty: unknown.
  std::string head_;
  std::string other_head_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> gaps_;  // first and last number that did not come in its place
  std::set<std::uint64_t> late_;                               // of those, which came later
};

}  // namespace faelled::decisions
