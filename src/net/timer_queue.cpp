#include "net/timer_queue.hpp"

namespace faelled::net {

void TimerQueue::arm(const std::shared_ptr<TimerEntry>& entry, Instant deadline) {
  entry->deadline = deadline;
  if (entry->looked_at <= deadline) return;
  drop(*entry);
  entry->deadline = deadline;
  insert(entry);
  set_system_timer();
}

void TimerQueue::drop(TimerEntry& entry) {
  entry.deadline = TimerEntry::never;
  if (entry.looked_at == TimerEntry::never) return;
  entry.looked_at = TimerEntry::never;
  nodes_.erase(entry.node);
  if (!nodes_.empty()) return;
  system_at_ = TimerEntry::never;
  system_.cancel();  // nothing is left to wait for: the loop may end
}

void TimerQueue::insert(const std::shared_ptr<TimerEntry>& entry) {
  entry->looked_at = entry->deadline;
  entry->node = nodes_.emplace(entry->deadline, entry);
}

void TimerQueue::set_system_timer() {
  if (nodes_.empty() || nodes_.begin()->first >= system_at_) return;
  system_at_ = nodes_.begin()->first;
  system_.expires_at(system_at_);  // ends the wait that is under way; its handler sees an error
  system_.async_wait([this](const boost::system::error_code& error) {
    if (!error) fire();
  });
}

void TimerQueue::fire() {
  system_at_ = TimerEntry::never;
  const Instant now = std::chrono::steady_clock::now();
  // One at a time: what is due may arm, drop or destroy any other.
  while (!nodes_.empty() && nodes_.begin()->first <= now) {
    const std::shared_ptr<TimerEntry> entry = nodes_.begin()->second;
    nodes_.erase(nodes_.begin());
    entry->looked_at = TimerEntry::never;
    if (entry->deadline == TimerEntry::never) continue;
    if (entry->deadline > now) {
      insert(entry);
      continue;
    }
    entry->deadline = TimerEntry::never;
    entry->due();
  }
  set_system_timer();
}

}  // namespace faelled::net
