// Chronicle: how members have fared over the last day, in stretches of six minutes, and how long their last tickets
// waited. Only of members that did something; in memory alone. Loop's thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "commons/scheduler.hpp"
#include "rpc/views.hpp"

namespace faelled::mesh {

class Chronicle {
 public:
  static constexpr Duration stretch = std::chrono::minutes(6);
  static constexpr std::size_t stretches_max = 240;
  static constexpr std::size_t members_max = 2'000;  // with a past; of others only the present is known

  void waited(const std::string& member, Duration wait);
  // To be called now and then; ends a stretch when it is over.
  void look(WallTime now, const commons::Scheduler& commons);

  struct Waits {
    Duration p50{};
    Duration p95{};
  };
  Waits waits(std::string_view member) const;
  std::vector<rpc::ShareSample> past(std::string_view member) const;

 private:
  static constexpr std::size_t waits_max = 128;
  struct Of {
    std::array<std::uint32_t, waits_max> waits_ms{};
    std::size_t waits = 0;  // ever
    commons::MemberState before;
    std::deque<rpc::ShareSample> past;
  };
  static Waits waits_of(const Of& of);

  std::map<std::string, Of, std::less<>> members_;
  WallTime begun_{};
};

}  // namespace faelled::mesh
