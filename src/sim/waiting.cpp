#include "sim/waiting.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace faelled::sim {

void Waiting::add(RequestId id, const Request& request) {
  if (id >= requests_.size()) requests_.resize(id + 1);
  requests_[id] = request;
  queues_[request.member].push_back(id);
}

void Waiting::remove(RequestId id) {
  auto& queue = queues_[requests_[id].member];
  const auto at = std::ranges::find(queue, id);
  FAELLED_CHECK(at != queue.end(), "only what waits is granted or gives up");
  queue.erase(at);
}

std::optional<RequestId> Waiting::first_of(std::uint32_t member, EngineId engine) const {
  for (const RequestId id : queues_[member])
    if (serves_[engine][requests_[id].model]) return id;
  return std::nullopt;
}

}  // namespace faelled::sim
