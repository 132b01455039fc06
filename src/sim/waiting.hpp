// Waiting: the requests that wait, in order of arrival for each member. What all baselines have in common. Private to
// sim.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "sim/policy.hpp"

namespace faelled::sim {

class Waiting {
 public:
  explicit Waiting(const Setting& setting) : serves_(setting.serves), queues_(setting.shares.size()) {}

  void add(RequestId id, const Request& request);
  void remove(RequestId id);
  bool any_of(std::uint32_t member) const { return !queues_[member].empty(); }
  // The member's first that the engine serves.
  std::optional<RequestId> first_of(std::uint32_t member, EngineId engine) const;
  std::size_t members() const { return queues_.size(); }
  const Request& request(RequestId id) const { return requests_[id]; }

 private:
  std::vector<std::vector<bool>> serves_;
  std::vector<std::deque<RequestId>> queues_;
  std::vector<Request> requests_;
};

}  // namespace faelled::sim
