// A server's decisions in miniature, for tests: a scheduler, a log that sees what it decides, and a day's happenings by
// chance. Only tests include this file.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "base/random.hpp"
#include "decisions/decision_log.hpp"
#include "decisions/disk.hpp"
#include "decisions/replay.hpp"

namespace faelled::decisions {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "faelled-decisions-XXXXXX").string();
    FAELLED_CHECK(::mkdtemp(name.data()) != nullptr, "there is a folder for temporary files");
    path_ = name;
  }
  Folder(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path log() const { return path_ / "decisions"; }
  std::vector<std::string> names() const { return log_files(log()).value_or(std::vector<std::string>{}); }
  std::string content(const std::string& name) const { return read_file(log() / name).value(); }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(log() / name, std::ios::binary | std::ios::trunc) << content;
  }

 private:
  std::filesystem::path path_;
};

class Server {
 public:
  Server(const Folder& folder, ManualClock& clock, std::uint64_t seed, std::size_t file_bytes_max = 1U << 20U)
      : clock_(clock), random_(seed) {
    LogOptions options;
    options.folder = folder.log();
    options.settings = few_wait();
    options.file_bytes_max = file_bytes_max;
    log = std::move(DecisionLog::open(std::move(options), clock.now(), clock.wall(), random_).value());
    for (const char* member : {"odense", "aarhus", "vejle", "æbelø kommune"}) {
      step(commons::Restore{member, 10'000, 5'000, 3'000});
      step(commons::Agree{member, 1 + random_.below(9), static_cast<std::uint32_t>(random_.below(5))});
    }
    step(commons::EngineIs{"large-1", "large", 3, 1, false, {}});
    step(commons::EngineIs{"small-1", "small", 2, 1, true, {}});
  }

  void step(const commons::Event& event) {
    const auto actions = scheduler.step(clock_.now(), event);
    log->saw(clock_.now(), event, actions);
    for (const commons::Action& action : actions)
      if (const auto* grant = std::get_if<commons::Grant>(&action))
        running_.push_back(grant->ticket);
      else if (std::holds_alternative<commons::Refuse>(action))
        ++refused;
  }

  void live(int events) {
    static const std::vector<std::string> members{"odense", "aarhus", "vejle", "æbelø kommune"};
    for (int i = 0; i < events; ++i) {
      clock_.advance(Duration(static_cast<std::int64_t>(random_.below(800'000'000))));
      const std::uint64_t chance = random_.below(100);
      if (chance < 40) {
        commons::Arrive arrive;
        arrive.ticket = ++tickets_;
        arrive.member = members[random_.below(members.size())];
        arrive.caller = "usr_" + std::to_string(random_.below(5));
        arrive.model = random_.below(2) == 0 ? "large" : "small";
        arrive.lane = random_.below(4) == 0 ? commons::Lane::batch : commons::Lane::interactive;
        arrive.revocable = random_.below(2) == 0;
        arrive.prompt_tokens = static_cast<std::uint32_t>(random_.below(2000));
        arrive.deadline = clock_.now() + std::chrono::seconds(random_.below(60));
        step(arrive);
      } else if (chance < 60 && !running_.empty()) {
        step(commons::Progress{running_[random_.below(running_.size())], 10,
                               static_cast<std::uint32_t>(random_.below(500))});
      } else if (chance < 90 && !running_.empty()) {
        const std::size_t which = random_.below(running_.size());
        const auto how = static_cast<commons::Ending>(random_.below(4));
        const commons::TicketNumber ticket = running_[which];
        running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(which));
        step(commons::End{ticket, how, 100, static_cast<std::uint32_t>(random_.below(500))});
      } else if (chance < 95) {
        step(commons::Room{"small-1", static_cast<std::uint32_t>(random_.below(3))});
      } else {
        step(commons::Tick{});
      }
      if (i % 20 == 0) FAELLED_CHECK(log->drain(clock_.now(), clock_.wall()), "the disk takes it");
    }
  }
  void end() { FAELLED_CHECK(log->close(clock_.now(), clock_.wall()), "the disk takes it"); }
  void write() { FAELLED_CHECK(log->drain(clock_.now(), clock_.wall()), "the disk takes it"); }

  static commons::Settings few_wait() {
    commons::Settings settings;
    settings.waiting_max = 12;
    return settings;
  }

  commons::Scheduler scheduler{few_wait()};
  std::unique_ptr<DecisionLog> log;
  std::uint64_t refused = 0;  // for a full line

 private:
  ManualClock& clock_;
  SeededRandom random_;
  commons::TicketNumber tickets_ = 0;
  std::vector<commons::TicketNumber> running_;
};

inline ReplayReport replayed(const Folder& folder, const std::vector<Head>& heads = {}) {
  Replay replay(heads);
  for (const std::string& name : folder.names()) replay.file(name, folder.content(name));
  return replay.finish();
}

// FILE:LINE: what, one a line; faults alone.
inline std::string faults(const ReplayReport& report) {
  std::string all;
  for (const Finding& finding : report.findings)
    if (finding.fault) all += finding.file + ":" + std::to_string(finding.line) + ": " + finding.what + "\n";
  return all;
}

}  // namespace faelled::decisions
