// LoadPlan: what the load tool was asked to do, and the one request that it sends over and over. A value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace faelled::bench {

struct LoadPlan {
  std::string mode;
  std::uint16_t port = 0;
  std::string key;
  std::string model;
  std::size_t body_bytes = 0;
  std::size_t connections = 0;
  std::uint64_t requests = 0;  // in all
  std::uint64_t rate = 0;      // open loop alone
  std::uint64_t chunks = 0;    // streams alone
  std::uint64_t pace_us = 0;
  std::uint64_t ramp_ns = 0;
  std::uint64_t seconds_max = 0;

  bool streams() const { return mode == "streams"; }
  bool open_loop() const { return mode == "open"; }
};

LoadPlan read_plan(int count, char** words);  // ends the process with a word when they make no sense
std::string build_request(const LoadPlan& plan);

}  // namespace faelled::bench
