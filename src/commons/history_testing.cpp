#include "commons/history_testing.hpp"

#include <algorithm>

namespace faelled::commons {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Settings settings_of(SeededRandom& random) {
  Settings settings;
  settings.output_tokens_guess = static_cast<std::uint32_t>(random.below(3) * 50);
  settings.revoke_batch = random.below(4) > 0;
  if (random.below(4) == 0) settings.credit_max = seconds(30);
  if (random.below(8) == 0) settings.look_ahead_tokens = 0;
  if (random.below(3) == 0) settings.waiting_max = static_cast<std::uint32_t>(1 + random.below(6));
  return settings;
}

}  // namespace

History::History(std::uint64_t seed)
    : random_(seed),
      settings_(settings_of(random_)),
      scheduler_(settings_),
      referee_(settings_),
      now_(seconds(random_.below(100'000))),
      members_(1 + random_.below(6)),
      models_(1 + random_.below(3)),
      engines_(1 + random_.below(4)),
      length_(20 + random_.below(100)),
      size_(1U << random_.below(14)),
      paced_(one_in(3)),
      limits_(one_in(2)),
      odd_(one_in(3)),
      calm_(one_in(3)) {}

std::uint32_t History::tokens() { return odd_ && one_in(20) ? number(1U << 31U) : number(size_); }

// Mostly little; sometimes beyond a settlement, a deadline, a rebase of the decay (22 minutes), or backwards.
void History::time_passes() {
  switch (random_.below(calm_ ? 8 : 24)) {
    case 8:
      now_ += seconds(random_.below(30));
      break;
    case 9:
      now_ += seconds(random_.below(3000));
      break;
    case 10:
      now_ -= seconds(random_.below(odd_ ? 100'000 : 2));
      break;
    case 11:
      now_ += odd_ ? std::chrono::hours(random_.below(10'000)) : seconds(1);
      break;
    default:
      now_ += milliseconds(random_.below(1500));
      break;
  }
}

void History::step(const Event& event) {
  ++events_;
  const auto actions = scheduler_.step(now_, event);
  referee_.saw(now_, event, actions);
  for (const Action& action : actions) {
    if (const auto* grant = std::get_if<Grant>(&action)) {
      ++grants_;
      std::erase(waiting_, grant->ticket);
      running_.push_back(grant->ticket);
    } else if (const auto* expire = std::get_if<Expire>(&action)) {
      std::erase(waiting_, expire->ticket);
    } else if (const auto* refuse = std::get_if<Refuse>(&action)) {
      std::erase(waiting_, refuse->ticket);
    } else if (const auto* revoke = std::get_if<Revoke>(&action)) {
      revoked_.push_back(revoke->ticket);
    }
  }
}

void History::agree() {
  const std::uint64_t share = one_in(10) ? random_.below(2 * share_max) : random_.below(5);
  step(Agree{named('m', members_), share, limits_ ? number(6) : 0});
}

void History::engine_is() {
  EngineIs is;
  const std::uint64_t which = random_.below(engines_);
  is.engine = {'e', static_cast<char>('0' + which)};
  is.model = {'l', static_cast<char>('0' + (one_in(20) ? random_.below(models_) : which % models_))};
  is.places = one_in(6) ? 0 : 1 + number(4);
  is.ticket_places = limits_ && one_in(3) ? number(5) : 1;
  is.paced = one_in(10) ? !paced_ : paced_;
  if (one_in(4)) is.price = {number(4), number(4)};
  step(is);
}

void History::arrive() {
  Arrive arrive;
  const bool again = odd_ && one_in(20);
  arrive.ticket = again ? any(waiting_) : ++tickets_;
  arrive.member = named('m', members_ + (one_in(8) ? 1 : 0));  // one that has no agreement
  arrive.caller = named('u', 3);
  arrive.model = named('l', models_);
  arrive.lane = one_in(4) ? Lane::batch : Lane::interactive;
  arrive.revocable = one_in(2);
  arrive.prompt_tokens = one_in(8) ? 0 : tokens();
  arrive.output_tokens_max = one_in(3) ? tokens() : 0;
  arrive.deadline = now_ + (one_in(4) ? Duration(seconds(random_.below(20))) : Duration(std::chrono::hours(20'000)));
  const bool fresh = std::ranges::find(waiting_, arrive.ticket) == waiting_.end();
  if (fresh) waiting_.push_back(arrive.ticket);
  step(arrive);
}

void History::end() {
  End end;
  end.ticket = any(running_);
  if (!revoked_.empty() && one_in(2)) {
    end.ticket = any(revoked_);
    end.how = Ending::returned;
  } else if (one_in(4)) {
    end.how = static_cast<Ending>(random_.below(4));
  }
  if (end.how != Ending::cancelled || one_in(2)) end.prompt_tokens = tokens();
  end.output_tokens = tokens();
  std::erase(revoked_, end.ticket);
  if (std::erase(running_, end.ticket) > 0 && end.how == Ending::returned) waiting_.push_back(end.ticket);
  step(end);
}

void History::one_event() {
  const std::uint64_t chance = random_.below(100);
  if (chance < 38) {
    arrive();
  } else if (chance < 60) {
    end();
  } else if (chance < 72) {
    step(Progress{any(running_), one_in(3) ? 0 : tokens(), tokens()});
  } else if (chance < (paced_ ? 84U : 75U)) {
    step(Room{named('e', engines_), number(3)});
  } else if (chance < 86) {
    engine_is();
  } else if (chance < 89) {
    const TicketNumber ticket = any(running_);
    if (std::erase(running_, ticket) > 0) waiting_.push_back(ticket);
    std::erase(revoked_, ticket);
    step(Declined{ticket});
  } else if (chance < 91) {
    const TicketNumber ticket = any(waiting_);
    std::erase(waiting_, ticket);
    step(End{ticket, one_in(2) ? Ending::cancelled : Ending::failed, 0, 0});
  } else if (chance < 94) {
    agree();
  } else if (chance < 95) {
    step(EngineGone{named('e', engines_)});
  } else if (chance < 96) {
    step(Leave{named('m', members_)});
  } else if (chance < 97) {
    step(Restore{named('m', members_), static_cast<Work>(random_.below(2000)) - 1000, number(1000), number(1000)});
  } else if (chance < 98) {
    step(Capacity{static_cast<Work>(random_.below(std::uint64_t{size_} * 8))});
  } else {
    step(Tick{});
  }
}

void History::play() {
  for (std::uint64_t i = 0; i < members_; ++i)
    if (!one_in(4)) agree();
  for (std::uint64_t i = 0; i < engines_; ++i)
    if (!one_in(4)) engine_is();
  if (one_in(2)) step(Capacity{static_cast<Work>(random_.below(std::uint64_t{size_} * 8))});
  for (std::uint64_t i = 0; i < length_ && referee_.total() == 0; ++i) {
    time_passes();
    one_event();
    if (i % 8 == 7) referee_.compare(scheduler_);
  }
  referee_.compare(scheduler_);
}

}  // namespace faelled::commons
