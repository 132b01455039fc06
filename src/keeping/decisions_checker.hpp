// DecisionsChecker: the check of the server's own decision log while it runs: some minutes after the start, once a day,
// and when somebody asks; one at a time, on a thread that works when nobody else wants the processor. What it found is
// kept until the server ends. Loop's thread. Its destructor has what runs stop, and waits for that.
#pragma once

#include <atomic>
#include <functional>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "decisions/log_check.hpp"
#include "net/aside.hpp"
#include "net/loop.hpp"
#include "net/timer.hpp"
#include "observe/log.hpp"
#include "portal/decision_check.hpp"

namespace faelled::keeping {

class DecisionsChecker final : public portal::DecisionCheck {
 public:
  // On the thread; may hold nothing of the loop's. Errors: cancelled, when it was told to stop.
  using Job = std::function<Expected<decisions::ReplayReport>(const decisions::Stopped&)>;
  struct Times {
    Duration first_after = limits::decisions_check_first_after;
    Duration every = limits::decisions_check_every;
  };

  DecisionsChecker(net::Loop& loop, const Clock& clock, observe::Log& log, Job job)
      : DecisionsChecker(loop, clock, log, std::move(job), Times()) {}
  DecisionsChecker(net::Loop& loop, const Clock& clock, observe::Log& log, Job job, Times times);
  ~DecisionsChecker() override;
  DecisionsChecker(const DecisionsChecker&) = delete;
  DecisionsChecker& operator=(const DecisionsChecker&) = delete;

  bool running() const override { return aside_.busy(); }
  const std::optional<portal::CheckFindings>& last() const override { return last_; }
  Expected<void> begin() override;

  // What runs ends soon, without findings, and no other one begins.
  void stop();

 private:
  void due();
  void take(const Expected<decisions::ReplayReport>& report);

  const Clock& clock_;
  observe::Log& log_;
  Job job_;
  Times times_;
  std::optional<portal::CheckFindings> last_;
  std::atomic<bool> stopping_ = false;  // read by the thread
  net::Timer timer_;
  net::Aside aside_;  // ends first
};

// What the page shows of a report.
portal::CheckFindings findings_of(const decisions::ReplayReport& report, WallTime checked_at);

}  // namespace faelled::keeping
