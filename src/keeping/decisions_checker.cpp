#include "keeping/decisions_checker.hpp"

#include <sys/resource.h>

#include <string>
#include <utility>

namespace faelled::keeping {
namespace {

constexpr int least_eager = 19;

// Linux keeps this per thread. Where it is refused, the check only takes more of the processor.
void work_when_nobody_else_does() { (void)::setpriority(PRIO_PROCESS, 0, least_eager); }

std::string text_of(const decisions::Finding& finding) {
  const std::string line = finding.line == 0 ? "" : ":" + std::to_string(finding.line);
  return (finding.file + line + ": " + finding.what).substr(0, limits::decisions_check_fault_bytes_max);
}

}  // namespace

portal::CheckFindings findings_of(const decisions::ReplayReport& report, WallTime checked_at) {
  portal::CheckFindings out;
  out.checked_at = checked_at;
  out.from = report.from;
  out.to = report.to;
  out.events = report.events;
  out.skipped = report.skipped;
  out.violations = report.violations;
  out.floor_violations = report.floor_violations;
  out.differing = report.differing;
  for (const decisions::Finding& finding : report.findings)
    if (finding.fault && ++out.faults <= limits::decisions_check_faults_told_max)
      out.first_faults.push_back(text_of(finding));
  return out;
}

DecisionsChecker::DecisionsChecker(net::Loop& loop, const Clock& clock, observe::Log& log, Job job, Times times)
    : clock_(clock), log_(log), job_(std::move(job)), times_(times), timer_(loop, [this] { due(); }), aside_(loop) {
  timer_.arm(times_.first_after);
}

DecisionsChecker::~DecisionsChecker() { stop(); }

void DecisionsChecker::stop() {
  stopping_ = true;
  timer_.cancel();
}

void DecisionsChecker::due() {
  timer_.arm(times_.every);
  (void)begin();  // one that runs already is as good
}

Expected<void> DecisionsChecker::begin() {
  if (stopping_) return fail(Errc::cancelled, "the server ends");
  if (aside_.busy()) return fail(Errc::conflict, "a check runs already", "wait for what it finds");
  aside_.ask<decisions::ReplayReport>(
      [job = job_, &stopping = stopping_] {
        work_when_nobody_else_does();
        return job([&stopping] { return stopping.load(std::memory_order_relaxed); });
      },
      [this](const Expected<decisions::ReplayReport>& report) { take(report); });
  return {};
}

void DecisionsChecker::take(const Expected<decisions::ReplayReport>& report) {
  if (!report) {
    if (report.error().code != Errc::cancelled)
      log_.error("the decision log could not be checked", {{"cause", report.error().message}});
    return;
  }
  last_ = findings_of(*report, clock_.wall());
  if (last_->faults == 0 && last_->violations == 0)
    return log_.info("the decision log was checked", {{"events", last_->events}, {"skipped", last_->skipped}});
  log_.error("the decision log is not in order", {{"faults", last_->faults},
                                                  {"first", last_->first_faults.empty() ? "" : last_->first_faults[0]},
                                                  {"floor_violations", last_->floor_violations},
                                                  {"violations", last_->violations},
                                                  {"differing", last_->differing},
                                                  {"hint", "faelled audit replay names each; docs/audit-replay.md"}});
}

}  // namespace faelled::keeping
