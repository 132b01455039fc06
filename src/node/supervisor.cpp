#include "node/supervisor.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace faelled::node {
namespace {

std::string with(std::string what, const std::string& detail) {
  return detail.empty() ? std::move(what) : std::move(what) + ": " + detail;
}

// Somebody else's SIGKILL is nearly always the kernel's, of the one that it takes where memory runs out.
std::string ended_by_itself(const event::Exited& exited) {
  return exited.killed ? exited.detail + ", not by us: the kernel does that where memory runs out" : exited.detail;
}

}  // namespace

std::vector<Action> Supervisor::step(Instant now, const Event& event) {
  now_ = now;
  actions_.clear();
  auto before = std::tuple(state(), detail_, starts_);
  std::visit([this](const auto& e) { on(e); }, event);
  if (before != std::tuple(state(), detail_, starts_)) actions_.emplace_back(action::Report{});
  return std::exchange(actions_, {});
}

rpc::EngineState Supervisor::state() const {
  using rpc::EngineState;
  switch (phase_) {
    case Phase::idle:
    case Phase::ended:
      return EngineState::absent;
    case Phase::ready:
      return EngineState::ready;
    case Phase::asleep:
      return EngineState::asleep;
    case Phase::waking:
      return EngineState::waking;
    case Phase::falling_asleep:
    case Phase::draining:
      return EngineState::draining;
    case Phase::stopping:
    case Phase::checking:
      if (final_) return EngineState::draining;
      if (woken_) return EngineState::waking;
      [[fallthrough]];
    case Phase::waiting:
    case Phase::starting:
      return failed_ ? EngineState::failed : EngineState::starting;
  }
  return EngineState::absent;
}

Duration Supervisor::ready_in(Instant now) const {
  if (state() != rpc::EngineState::starting || load_time_ == Duration::zero()) return {};
  constexpr Duration soon = 500ms;  // it takes longer than last time; how much nobody knows
  auto left = load_time_;
  if (phase_ == Phase::waiting) left += restart_at_ - now;
  if (phase_ == Phase::starting) left -= now - spawned_;
  return std::max(left, soon);
}

void Supervisor::enter(Phase phase) {
  woken_ = phase == Phase::stopping && phase_ == Phase::waking;
  phase_ = phase;
  probing_ = false;
  broken_probes_ = 0;
}

void Supervisor::probe(ProbeKind kind, Duration within) {
  probing_ = true;
  probe_since_ = now_;
  actions_.emplace_back(action::Probe{kind, within});
}

void Supervisor::probe_work(Duration processor_used) {
  processor_at_probe_ = processor_used;
  probe(ProbeKind::work, patience_.silent_max);
}

void Supervisor::on(const event::Begin&) {
  if (phase_ != Phase::idle) return;
  enter(Phase::checking);
  actions_.emplace_back(action::CheckFile{});
}

void Supervisor::on(const event::FileChecked& checked) {
  if (phase_ != Phase::checking) return;
  if (final_) return end();
  if (!checked.wrong.empty()) {
    // No process, no back-off: the file is looked at until somebody has mended it.
    enter(Phase::waiting);
    failed_ = true;
    detail_ = checked.wrong;
    restart_at_ = wake_ = now_ + patience_.file_check_every;
    return;
  }
  if (failures_ == 0) {
    failed_ = false;
    detail_.clear();
  }
  enter(Phase::starting);
  ++starts_;
  spawned_ = heard_ = now_;
  no_answer_.clear();
  actions_.emplace_back(action::Spawn{});
}

void Supervisor::on(const event::Spawned&) {
  if (phase_ != Phase::starting) return;
  wake_ = now_ + patience_.start_probe_least;
}

void Supervisor::on(const event::SpawnFailed& failure) {
  if (phase_ != Phase::starting) return;
  failed_ = true;  // a program that cannot be run will not be mended by trying
  wait_to_restart(failure.detail);
}

void Supervisor::on(const event::Answered&) {
  if (!std::exchange(probing_, false)) return;
  broken_probes_ = 0;
  if (phase_ == Phase::starting) {
    enter(Phase::ready);
    load_time_ = now_ - spawned_;
    ready_since_ = now_;
    failed_ = false;
    detail_.clear();
  }
  if (phase_ == Phase::waking) {
    enter(Phase::ready);
    ready_since_ = now_;
  }
  if (phase_ == Phase::falling_asleep) enter(Phase::asleep);
  if (phase_ == Phase::ready || phase_ == Phase::asleep) wake_ = now_ + patience_.probe_every;
}

void Supervisor::on(const event::Loading&) {
  if (phase_ == Phase::falling_asleep || phase_ == Phase::asleep || phase_ == Phase::waking)
    return on(event::NoAnswer{});
  if (!std::exchange(probing_, false)) return;
  heard_ = now_;
  no_answer_.clear();
  if (phase_ == Phase::starting) next_start_probe();
  // Ready once and loading now: another process has taken its place, or it sleeps.
  if (phase_ == Phase::ready) kill("it says that it is loading while it should be ready");
}

void Supervisor::on(const event::NoAnswer& none) {
  if (!std::exchange(probing_, false)) return;
  if (phase_ == Phase::starting) {
    no_answer_ = none.detail;
    return next_start_probe();
  }
  if (phase_ == Phase::falling_asleep) return kill_for_good(with("it could not be put to sleep", none.detail));
  if (phase_ == Phase::waking) return kill(with("it could not be woken", none.detail));
  if (phase_ != Phase::ready && phase_ != Phase::asleep) return;
  if (phase_ == Phase::asleep) {
    if (++broken_probes_ >= patience_.broken_probes_max)
      return kill_for_good(with("it no longer says that it sleeps", none.detail));
    wake_ = now_ + patience_.start_probe_most;
  } else if (now_ - probe_since_ >= patience_.silent_max) {
    kill(with("it does not answer", none.detail));
  } else if (++broken_probes_ >= patience_.broken_probes_max) {
    kill(with("it does not answer as it should", none.detail));
  } else {
    wake_ = now_ + patience_.start_probe_most;
  }
}

void Supervisor::next_start_probe() {
  wake_ = now_ + std::clamp((now_ - spawned_) / 20, patience_.start_probe_least, patience_.start_probe_most);
}

void Supervisor::on(const event::Exited& exited) {
  switch (phase_) {
    case Phase::starting:
    case Phase::ready:
    case Phase::waking:
      return wait_to_restart(ended_by_itself(exited));
    case Phase::falling_asleep:
    case Phase::asleep:
      detail_ = ended_by_itself(exited);
      return end();
    case Phase::draining:
      return end();
    case Phase::stopping:
      if (final_) return end();
      return wait_to_restart(exited.killed && exited.silent ? detail_ : with(detail_, exited.detail));
    default:
      return;
  }
}

void Supervisor::on(const event::Sleep& sleep) {
  if (phase_ != Phase::ready) return kill_for_good("it was not ready when it should fall asleep");
  enter(Phase::falling_asleep);
  level_ = sleep.level;
  probe(level_ == 2 ? ProbeKind::forget : ProbeKind::sleep, patience_.sleep_max);
  wake_ = now_ + patience_.sleep_max;
}

void Supervisor::on(const event::Wake&) {
  if (phase_ != Phase::asleep) return;
  enter(Phase::waking);
  auto within = patience_.wake_max;
  if (level_ == 2)
    within = std::max(within, std::min(within + load_time_ * patience_.reload_loads, patience_.start_max));
  probe(level_ == 2 ? ProbeKind::reload : ProbeKind::wake, within);
  wake_ = now_ + within;
}

void Supervisor::on(const event::LookNow& look) {
  if (would_look()) probe_work(look.processor_used);
}

void Supervisor::on(const event::Tick& tick) {
  if (now_ < wake_) return;
  switch (phase_) {
    case Phase::waiting:
      enter(Phase::checking);
      wake_ = Instant::max();
      actions_.emplace_back(action::CheckFile{});
      return;
    case Phase::starting:
      return tick_starting();
    case Phase::ready:
      return tick_ready(tick.processor_used);
    case Phase::falling_asleep:
      return kill_for_good("it did not fall asleep");
    case Phase::asleep:
      return tick_asleep();
    case Phase::waking:
      return kill("it did not wake up");
    case Phase::draining:
      enter(Phase::stopping);
      actions_.emplace_back(action::AskToStop{});
      wake_ = now_ + patience_.stop_grace;
      return;
    case Phase::stopping:
      // Again and again: a process in an uninterruptible wait takes its time to die.
      actions_.emplace_back(action::Kill{});
      wake_ = now_ + patience_.stop_grace;
      return;
    default:
      wake_ = Instant::max();
  }
}

void Supervisor::tick_starting() {
  if (now_ - heard_ >= patience_.start_silent_max)
    return kill(with("it has not become ready since its start", no_answer_));
  if (now_ - spawned_ >= patience_.start_max) return kill("it is still loading after the longest time allowed");
  if (!probing_) probe(ProbeKind::health, patience_.start_probe_most);
  wake_ = now_ + patience_.start_probe_most;
}

void Supervisor::tick_ready(Duration processor_used) {
  if (now_ - ready_since_ >= patience_.stable_after) failures_ = 0;
  if (!probing_) probe_work(processor_used);
  // A busy engine answers between two batches, which may take long on a slow machine; one that neither answers nor
  // computes hangs.
  auto silent = now_ - probe_since_;
  auto idle = processor_used - processor_at_probe_ < silent / 100;
  if (silent >= patience_.silent_max || (silent >= patience_.idle_silent_max && idle)) {
    return kill(idle ? "it neither answers nor computes" : "it does not answer");
  }
  wake_ = now_ + patience_.probe_every;
}

void Supervisor::tick_asleep() {
  if (!probing_) probe(ProbeKind::asleep, patience_.idle_silent_max);
  if (now_ - probe_since_ >= patience_.idle_silent_max) return kill_for_good("it sleeps, and no longer says so");
  wake_ = now_ + patience_.probe_every;
}

void Supervisor::on(const event::Stop& stop) {
  final_ = true;
  const bool sleeps = phase_ == Phase::falling_asleep || phase_ == Phase::asleep || phase_ == Phase::waking;
  if (sleeps || (stop.at_once && (phase_ == Phase::ready || phase_ == Phase::starting))) {
    // Asked to stop, llama-server waits for idle connections, half a minute of them; it has nothing to put in order.
    enter(Phase::stopping);
    actions_.emplace_back(action::Kill{});
    wake_ = now_ + patience_.stop_grace;
    return;
  }
  switch (phase_) {
    case Phase::ready:
      enter(Phase::draining);
      wake_ = now_ + stop.drain;
      if (stop.drain <= Duration::zero()) on(event::Tick{});
      return;
    case Phase::starting:
      enter(Phase::stopping);
      actions_.emplace_back(action::AskToStop{});
      wake_ = now_ + patience_.stop_grace;
      return;
    case Phase::checking:  // somebody reads its files: the answer ends it
    case Phase::draining:
    case Phase::stopping:
      return;
    default:
      return end();
  }
}

void Supervisor::kill(std::string why) {
  enter(Phase::stopping);
  detail_ = why;
  actions_.emplace_back(action::Kill{std::move(why)});  // no SIGTERM: what hangs ignores that too (llama.cpp#27388)
  wake_ = now_ + patience_.stop_grace;
}

// Nobody waits for it, and others want its memory.
void Supervisor::kill_for_good(std::string why) {
  final_ = true;
  switch (phase_) {
    case Phase::starting:
    case Phase::ready:
    case Phase::falling_asleep:
    case Phase::asleep:
    case Phase::waking:
      return kill(std::move(why));
    case Phase::checking:
    case Phase::draining:
    case Phase::stopping:
      return;
    default:
      return end();
  }
}

void Supervisor::wait_to_restart(std::string why) {
  enter(Phase::waiting);
  detail_ = std::move(why);
  ++failures_;
  if (failures_ >= patience_.failures_until_failed) failed_ = true;
  auto doublings = std::min<std::uint32_t>(failures_ - 1, 20);
  auto wait = std::min<Duration>(patience_.restart_first * (1LL << doublings), patience_.restart_most);
  wait +=
      wait * static_cast<std::int64_t>(random_.below(41)) / 100 - wait / 5;  // ±20 %: neighbours do not start as one
  restart_at_ = wake_ = now_ + wait;
}

void Supervisor::end() {
  enter(Phase::ended);
  failed_ = false;
  wake_ = Instant::max();
}

}  // namespace faelled::node
