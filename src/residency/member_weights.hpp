// MemberWeights: how much a waiting ticket counts beside others when models take turns. What each member waits for
// counts by its share, however many tickets it has: asking a hundred times at once does not bring a model sooner. A
// value; pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/text_hash.hpp"

namespace faelled::residency {

class MemberWeights {
 public:
  static constexpr double least = 0.25, most = 4;

  // A ticket of this member waits from now on. Its weight: 1 on average over all that wait.
  double arrived(std::string_view member, double share) {
    auto found = members_.find(member);
    if (found == members_.end()) found = members_.emplace(std::string(member), Member{0, share}).first;
    Member& one = found->second;
    if (one.waiting++ == 0) {
      one.share = share;
      shares_ += share;
    }
    ++waiting_;
    const double weight = static_cast<double>(waiting_) * (one.share / shares_) / static_cast<double>(one.waiting);
    return std::clamp(weight, least, most);
  }
  void left(std::string_view member) {
    const auto found = members_.find(member);
    if (found == members_.end()) return;
    --waiting_;
    if (--found->second.waiting > 0) return;
    shares_ -= found->second.share;
    members_.erase(found);
    if (members_.empty()) shares_ = 0;  // no rounding is carried on
  }

 private:
  struct Member {
    std::uint64_t waiting = 0;
    double share = 1;
  };
  std::unordered_map<std::string, Member, TextHash, std::equal_to<>> members_;
  std::uint64_t waiting_ = 0;
  double shares_ = 0;
};

}  // namespace faelled::residency
