#include "sim/turn_orders.hpp"

#include "sim/simulation.hpp"

namespace faelled::sim {

FairOrder::FairOrder(const Trace& trace, const World& world) : trace_(trace), work_(world.work) {
  for (const std::string& member : trace.members)
    step(Instant{}, commons::Agree{member, member_of(world, member).share, 0});
}

void FairOrder::arrived(Instant now, RequestId row) {
  const Request& request = trace_.requests[row];
  commons::Arrive arrive;
  arrive.ticket = row + 1;
  arrive.member = trace_.members[request.member];
  arrive.caller = trace_.users[request.user];
  arrive.model = trace_.models[request.model];
  arrive.prompt_tokens = request.input_tokens;
  arrive.deadline = Instant::max();
  step(now, arrive);
}

void FairOrder::ended(Instant now, RequestId row) {
  const Request& request = trace_.requests[row];
  step(now, commons::End{row + 1, commons::Ending::done, request.input_tokens, request.output_tokens});
}

void FairOrder::returned(Instant now, RequestId row) {
  step(now, commons::End{row + 1, commons::Ending::returned, 0, 0});
}

void FairOrder::serves(Instant now, std::uint32_t model, std::uint32_t places) {
  commons::EngineIs is;
  is.engine = is.model = trace_.models[model];
  is.places = places;
  is.price = {work_.input, work_.output};
  step(now, is);
}

void FairOrder::step(Instant now, const commons::Event& event) {
  for (const commons::Action& action : scheduler_.step(now, event))
    if (const auto* grant = std::get_if<commons::Grant>(&action))
      granted_.push_back(static_cast<RequestId>(grant->ticket - 1));
}

}  // namespace faelled::sim
