#include "sim/commons_policy.hpp"

namespace faelled::sim {

CommonsPolicy::CommonsPolicy(const Setting& setting, const commons::Settings& settings)
    : scheduler_(settings), referee_(settings) {
  const std::size_t models = setting.serves.empty() ? 0 : setting.serves.front().size();
  for (std::size_t model = 0; model < models; ++model) {
    std::string who;
    for (const auto& serves : setting.serves) who += serves[model] ? '1' : '0';
    lines_.push_back(std::move(who));
  }
  for (std::size_t member = 0; member < setting.shares.size(); ++member) {
    members_.push_back("m" + std::to_string(member));
    step(Instant{}, commons::Agree{members_.back(), setting.shares[member], 0});
  }
  for (std::size_t engine = 0; engine < setting.serves.size(); ++engine) {
    engines_.push_back("e" + std::to_string(engine));
    commons::EngineIs is;
    is.engine = engines_.back();
    is.places = std::numeric_limits<std::uint32_t>::max();
    is.paced = true;
    is.price = {setting.work.input, setting.work.output};
    for (std::size_t model = 0; model < models; ++model)
      if (setting.serves[engine][model]) is.model = lines_[model];
    step(Instant{}, is);
  }
}

std::span<const commons::Action> CommonsPolicy::step(Instant now, const commons::Event& event) {
  const auto actions = scheduler_.step(now, event);
  referee_.saw(now, event, actions);
  return actions;
}

void CommonsPolicy::arrived(Instant now, RequestId id, const Request& request) {
  if (id >= requests_.size()) requests_.resize(id + 1);
  requests_[id].input_tokens = request.input_tokens;
  commons::Arrive arrive;
  arrive.ticket = id + 1;
  arrive.member = members_[request.member];
  arrive.caller = "u" + std::to_string(request.user);
  arrive.model = lines_[request.model];
  arrive.prompt_tokens = request.input_tokens;
  arrive.deadline = Instant::max();
  step(now, arrive);
}

// The engine asks for one at a time and judges itself whether it fits.
std::optional<RequestId> CommonsPolicy::next(Instant now, EngineId engine) {
  for (const commons::Action& action : step(now, commons::Room{engines_[engine], 1}))
    if (const auto* grant = std::get_if<commons::Grant>(&action)) return static_cast<RequestId>(grant->ticket - 1);
  step(now, commons::Room{engines_[engine], 0});
  return std::nullopt;
}

void CommonsPolicy::declined(Instant now, RequestId id, EngineId) { step(now, commons::Declined{id + 1}); }

void CommonsPolicy::progressed(Instant now, RequestId id, std::uint32_t output_tokens) {
  requests_[id].output_tokens = output_tokens;
  step(now, commons::Progress{id + 1, requests_[id].input_tokens, output_tokens});
}

void CommonsPolicy::ended(Instant now, RequestId id) {
  step(now, commons::End{id + 1, commons::Ending::done, requests_[id].input_tokens, requests_[id].output_tokens});
}

void CommonsPolicy::gave_up(Instant now, RequestId id) {
  step(now, commons::End{id + 1, commons::Ending::cancelled, 0, 0});
}

}  // namespace faelled::sim
