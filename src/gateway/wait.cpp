#include "gateway/wait.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "gateway/waiting_words.hpp"

namespace faelled::gateway {

Wait::Wait(rpc::Ticket ticket, Duration max, store::ShowWaiting show, Duration note_after)
    : ticket_(std::move(ticket)), max_(max), show_(show), note_after_(note_after), told_at_(ticket_.admitted) {
  begin_again(ticket_.admitted);
}

void Wait::leave(Instant now) {
  count_load(true, now);
  queued_ += now - *since_;
  since_.reset();
}

void Wait::extend(Instant now) { ticket_.deadline = std::max(ticket_.deadline, now + max_); }

void Wait::begin_again(Instant now) {
  answer_ = std::monostate();  // a place that was taken back as soon as it was given
  ticket_.deadline = now + max_;
}

const rpc::Waiting& Wait::hear(const rpc::Waiting& waiting, Instant now) {
  count_load(waiting.model_ready, now);
  if (in_line() && !waiting.model_ready) {
    if (!wake_ && waiting.ready_in > Duration{}) wake_ = Wake{waiting.ready_in, now};
    // Somebody told that the model comes within ten minutes is not sent away after two.
    const Duration promised = std::min<Duration>(waiting.promised, std::chrono::seconds(limits::agreement_wait_s_max));
    ticket_.deadline = std::max(ticket_.deadline, ticket_.admitted + promised);
  }
  heard_ = waiting;
  heard_->promised = ticket_.deadline - ticket_.admitted;
  if (show_ != store::ShowWaiting::off) words_ = waiting_words(show_, *heard_);
  return *heard_;
}

// Not before a moment has passed: most waits are over by then, and a line that moves fast would flicker.
Instant Wait::news_at() const { return in_line() && words_ != told_ ? told_at_ + note_after_ : Instant::max(); }

void Wait::tell(Instant now) {
  told_ = words_;
  told_at_ = now;
}

void Wait::count_load(bool ready, Instant now) {
  if (!ready && !loading_since_) loading_since_ = now;
  if (ready && loading_since_) load_ += now - *std::exchange(loading_since_, std::nullopt);
}

}  // namespace faelled::gateway
