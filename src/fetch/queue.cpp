#include "fetch/queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/limits.hpp"

namespace faelled::fetch {

Queue::Entry* Queue::entry(const std::string& model) {
  const auto found = by_model_.find(model);
  return found == by_model_.end() ? nullptr : &*found->second;
}

const Queue::Entry* Queue::find(const std::string& model) const { return const_cast<Queue*>(this)->entry(model); }

void Queue::want(const std::string& model, Instant now) {
  Entry* known = entry(model);
  if (known == nullptr) {
    entries_.push_back({model, State::waiting, false, 0, 0, now, {}});
    by_model_.emplace(entries_.back().model, std::prev(entries_.end()));
    return;
  }
  if (known->state == State::fetching) return;
  if (known->state == State::failed) entries_.splice(entries_.begin(), entries_, by_model_.find(model)->second);
  known->state = State::waiting;
  any_hurried_ |= known->hurried;
  known->tries = 0;
  known->most = 0;
  known->again = now;
}

void Queue::hurry(const std::string& model) {
  if (Entry* known = entry(model)) known->hurried = any_hurried_ = true;
}

bool Queue::forget(const std::string& model) {
  const auto known = by_model_.find(model);
  if (known == by_model_.end()) return false;
  const auto at = known->second;
  const bool runs = at->state == State::fetching;
  by_model_.erase(known);
  entries_.erase(at);
  return runs;
}

std::optional<std::string> Queue::begin(Instant now) {
  if (busy_) return std::nullopt;
  Entry* next = nullptr;
  const bool look_for_hurried = std::exchange(any_hurried_, false);
  for (Entry& one : entries_) {
    if (one.state != State::waiting) continue;
    any_hurried_ |= one.hurried;
    if (one.again > now) continue;
    if (next == nullptr || (one.hurried && !next->hurried)) next = &one;
    if (!look_for_hurried) break;
  }
  if (next == nullptr) return std::nullopt;
  next->state = State::fetching;
  busy_ = true;
  return next->model;
}

void Queue::ended(const std::optional<Failure>& failure, std::uint64_t here, Instant now) {
  busy_ = false;
  const auto found = std::ranges::find(entries_, State::fetching, &Entry::state);
  if (found == entries_.end()) return;  // it was forgotten meanwhile
  if (!failure) {
    by_model_.erase(found->model);
    entries_.erase(found);
    return;
  }
  found->failure = *failure;
  found->tries = here > found->most ? 1 : found->tries + 1;
  found->most = std::max(found->most, here);
  if (failure->fault == Fault::cancelled || !failure->retries() || found->tries >= limits::fetch_tries_max) {
    found->state = State::failed;
    entries_.splice(entries_.end(), entries_, found);  // those that wait are not looked for behind it
    return;
  }
  Duration pause = limits::fetch_retry_first;
  for (std::uint32_t i = 1; i < found->tries && pause < limits::fetch_retry_most; ++i) pause *= 2;
  pause = std::min<Duration>(pause, limits::fetch_retry_most);
  found->state = State::waiting;
  any_hurried_ |= found->hurried;
  found->again = now + std::max(pause, failure->retry_after);
}

Instant Queue::wake() const {
  Instant first = Instant::max();
  if (busy_) return first;
  for (const Entry& one : entries_)
    if (one.state == State::waiting) first = std::min(first, one.again);
  return first;
}

}  // namespace faelled::fetch
