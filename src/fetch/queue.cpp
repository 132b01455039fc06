#include "fetch/queue.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace faelled::fetch {

Queue::Entry* Queue::entry(const std::string& model) {
  const auto found = std::ranges::find(entries_, model, &Entry::model);
  return found == entries_.end() ? nullptr : &*found;
}

const Queue::Entry* Queue::find(const std::string& model) const { return const_cast<Queue*>(this)->entry(model); }

void Queue::want(const std::string& model, Instant now) {
  Entry* known = entry(model);
  if (known == nullptr) {
    entries_.push_back({model, State::waiting, false, 0, now, {}});
    return;
  }
  if (known->state == State::fetching) return;
  known->state = State::waiting;
  known->tries = 0;
  known->again = now;
}

void Queue::hurry(const std::string& model) {
  if (Entry* known = entry(model)) known->hurried = true;
}

bool Queue::forget(const std::string& model) {
  const Entry* known = entry(model);
  const bool runs = known != nullptr && known->state == State::fetching;
  std::erase_if(entries_, [&](const Entry& one) { return one.model == model; });
  return runs;
}

std::optional<std::string> Queue::begin(Instant now) {
  if (busy_) return std::nullopt;
  Entry* next = nullptr;
  for (Entry& one : entries_) {
    if (one.state != State::waiting || one.again > now) continue;
    if (next == nullptr || (one.hurried && !next->hurried)) next = &one;
  }
  if (next == nullptr) return std::nullopt;
  next->state = State::fetching;
  busy_ = true;
  return next->model;
}

void Queue::ended(const std::optional<Failure>& failure, bool brought, Instant now) {
  busy_ = false;
  const auto found = std::ranges::find(entries_, State::fetching, &Entry::state);
  if (found == entries_.end()) return;  // it was forgotten meanwhile
  if (!failure) {
    entries_.erase(found);
    return;
  }
  found->failure = *failure;
  found->tries = brought ? 1 : found->tries + 1;
  if (failure->fault == Fault::cancelled || !failure->retries() || found->tries >= limits::fetch_tries_max) {
    found->state = State::failed;
    return;
  }
  Duration pause = limits::fetch_retry_first;
  for (std::uint32_t i = 1; i < found->tries && pause < limits::fetch_retry_most; ++i) pause *= 2;
  pause = std::min<Duration>(pause, limits::fetch_retry_most);
  found->state = State::waiting;
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
