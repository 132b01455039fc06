#include "portal/turns.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/ids.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;

}  // namespace

std::optional<ApiError> kept_elsewhere(const members::Session& session) {
  if (session.member.policy.conversations != store::ConversationPlace::browser) return std::nullopt;
  ApiError why{Cause::forbidden,
               "Your organisation has decided that conversations are kept in the browser alone; load the page anew."};
  why.message_da = "Kommunen har bestemt, at samtaler kun gemmes i browseren. Hent siden igen, og spørg så.";
  return why;
}

std::shared_ptr<Turn> Turns::running(std::string_view conversation) const {
  for (const auto& [id, turn] : turns_)
    if (turn->conversation().id == conversation && !turn->ended()) return turn;
  return nullptr;
}

const Turn* Turns::of(const store::Message& answer) const {
  for (const auto& [id, turn] : turns_)
    // An answer that went on has had a turn before.
    if (turn->answer().id == answer.id && turn->answer().request_id == answer.request_id) return turn.get();
  return nullptr;
}

std::shared_ptr<Turn> Turns::own(const Call& call) const {
  const auto found = turns_.find(call.id);
  const bool own = found != turns_.end() && found->second->conversation().user == call.visitor.session->user.id;
  return own ? found->second : nullptr;
}

void Turns::forget(const Turn& turn) {
  constexpr std::size_t remembered_max = 256;
  forgotten_.emplace_back(turn.id(), turn.conversation().user);
  if (forgotten_.size() > remembered_max) forgotten_.pop_front();
  turns_.erase(turn.id());
}

bool Turns::forgotten(const Call& call) const {
  return std::ranges::find(forgotten_, std::pair(std::string(call.id), call.visitor.session->user.id)) !=
         forgotten_.end();
}

std::expected<TurnPlaces::Place, ApiError> Turns::place_for(const std::string& person, std::size_t bytes) {
  forget_old();
  ApiError full{Cause::queue_full, "Too many answers are under way; try again in a moment."};
  full.message_da = "Der er for mange svar i gang. Prøv igen om lidt.";
  if (turns_.size() >= settings_.turns_max) return std::unexpected(std::move(full));
  auto place = places_.take(person, bytes);
  if (place) return std::move(*place);
  if (place.error() == TurnPlaces::Full::person) {
    const std::size_t most = settings_.places.of_person_max;
    full.message = fmt::format("You have {} answers under way; wait for one of them, or stop it.", most);
    full.message_da = fmt::format("Du har {} svar i gang. Vent på et af dem, eller stop det.", most);
  }
  return std::unexpected(std::move(full));
}

std::shared_ptr<Turn> Turns::begin(const members::Session& session, store::Conversation conversation,
                                   store::Message answer, bool counts, std::string body, TurnPlaces::Place place) {
  auto turn = std::make_shared<Turn>(desk_.context.loop, desk_.document, settings_.turn,
                                     make_id("trn_", desk_.context.clock.wall(), desk_.context.random),
                                     std::move(conversation), std::move(answer), counts);
  turns_[turn->id()] = turn;
  desk_.context.loop.spawn(
      run(turn, {session.member.id, session.user.id, {}, session.user.id}, std::move(body), std::move(place)));
  return turn;
}

net::Task<void> Turns::run(std::shared_ptr<Turn> turn, members::Caller caller, std::string body,
                           TurnPlaces::Place place) {
  place.holds(body.size());
  const auto keep = [this, turn]() -> net::Task<Expected<void>> {
    if (!turn->kept()) co_return Expected<void>{};
    co_return co_await desk_.on_store<void>(
        [of = turn->conversation(), answer = turn->answer()](store::Store& s, store::Conversations& all) {
          return all.update_message(s, of, answer);
        });
  };
  net::Loop& loop = desk_.context.loop;
  desk_.unkept.begin();
  std::size_t kept_bytes = 0;
  net::Timer checkpoint(loop, [&] {
    if (std::exchange(kept_bytes, turn->text().size()) != turn->text().size())
      loop.spawn([](net::Task<Expected<void>> kept) -> net::Task<void> { co_await std::move(kept); }(keep()));
    checkpoint.arm(settings_.checkpoint_every);
    cut_off_disabled(*turn);  // by another server, perhaps; last: the turn may be over, and this timer with it
  });
  checkpoint.arm(settings_.checkpoint_every);
  co_await gateway_.chat(std::move(caller), std::move(body), turn->answer().request_id, *turn);
  checkpoint.cancel();
  {
    const TurnPlaces::Place over = std::move(place);
  }
  turn->conclude();
  auto kept = co_await keep();
  turn->end(loop.now());
  const auto lost = [&kept] { return !kept && kept.error().code != Errc::not_found; };  // not_found: deleted meanwhile
  if (lost())
    desk_.context.log.error("an answer could not be kept yet",
                            {{"request_id", turn->answer().request_id}, {"cause", kept.error().message}});
  // Until it is, its conversation takes no further question: it would be asked without this answer.
  while (lost()) {
    co_await loop.sleep(settings_.store_retry_every);
    kept = co_await keep();
  }
  desk_.unkept.end();
}

void Turns::forget_old() {
  const Instant now = desk_.context.loop.now();
  std::erase_if(turns_, [&](const auto& entry) {
    const auto ended_at = entry.second->ended_at();
    return ended_at && *ended_at + settings_.ended_turn_kept < now;
  });
  for (auto it = turns_.begin(); it != turns_.end() && turns_.size() >= settings_.turns_max;)
    it = it->second->ended() ? turns_.erase(it) : std::next(it);
}

void Turns::stop_all_of(std::string_view user) {
  const auto turns = turns_;
  for (const auto& [id, turn] : turns)
    if (turn->conversation().user == user && !turn->ended()) turn->stop();
}

bool Turns::lets_in(const std::string& user) const {
  return desk_.directory.stands({}, user, desk_.context.clock.wall());
}

void Turns::cut_off_disabled(Turn& turn) const {
  if (!lets_in(turn.conversation().user))
    turn.cut_off({Cause::forbidden, "Your access was closed.", {}, {}, "Din adgang blev lukket."});
}

void Turns::cut_off_disabled(std::string_view user) {
  const auto turns = turns_;
  for (const auto& [id, turn] : turns)
    if (turn->conversation().user == user) cut_off_disabled(*turn);
}

void Turns::cut_off_all() {
  const auto turns = turns_;
  for (const auto& [id, turn] : turns) turn->cut_off({Cause::shutting_down, store::interrupted});
}

}  // namespace faelled::portal
