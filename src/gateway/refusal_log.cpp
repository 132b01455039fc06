#include "gateway/refusal_log.hpp"

#include <algorithm>

namespace faelled::gateway {
namespace {

// A client's port is another at each connection.
std::string_view address_of(std::string_view peer) {
  if (const std::size_t by = peer.find(' '); by != std::string_view::npos) return peer.substr(0, by);
  return peer.substr(0, std::min(peer.rfind(':'), peer.size()));
}

}  // namespace

bool RefusalCounts::add(std::string_view peer) {
  const std::string address(address_of(peer));
  if (const auto found = counts_.find(address); found != counts_.end()) {
    ++found->second;
    return false;
  }
  if (counts_.size() >= addresses_max_) {
    ++others_;
    return false;
  }
  counts_.emplace(address, 0);
  return true;
}

std::vector<RefusalCounts::Sum> RefusalCounts::take() {
  std::vector<Sum> all;
  for (auto& [address, more] : counts_)
    if (more > 0) all.push_back({address, more});
  std::ranges::sort(all, {}, &Sum::address);
  if (others_ > 0) all.push_back({"others", others_});
  counts_ = {};
  others_ = 0;
  return all;
}

RefusalLog::RefusalLog(net::Loop& loop, observe::Log& log, std::string summary, Duration interval)
    : log_(log),
      summary_(std::move(summary)),
      interval_(interval),
      counts_(limits::refusals_addresses_max),
      timer_(loop, [this] { sum_up(); }) {}

bool RefusalLog::add(std::string_view peer) {
  if (!timer_.armed()) timer_.arm(interval_);
  return counts_.add(peer);
}

void RefusalLog::sum_up() {
  for (const RefusalCounts::Sum& sum : counts_.take())
    log_.warn(summary_, {{"peer", sum.address}, {"more", sum.more}, {"within_ms", to_millis(interval_)}});
}

}  // namespace faelled::gateway
