// GpuWatch: reads the GPUs once in a while on a thread of its own, and tells on the loop's. A driver that hangs makes
// it silent, and nothing else: at its end a reading that does not come back is left to itself. Owned by serve().
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "net/loop.hpp"
#include "node/gpus.hpp"

namespace faelled::node {

class GpuWatch {
 public:
  using Told = std::function<void(const std::vector<Gpu>&)>;
  GpuWatch(net::Loop& loop, Gpus gpus, Duration every, Told told);
  ~GpuWatch();
  // Two readings now: the second begins after this call.
  void now();
  GpuWatch(const GpuWatch&) = delete;
  GpuWatch& operator=(const GpuWatch&) = delete;

 private:
  struct Shared;
  static void run(Shared& shared);

  std::shared_ptr<Shared> shared_;  // the thread holds it too
  std::shared_ptr<Told> told_;      // what is posted looks whether it is still there
  std::thread thread_;
};

}  // namespace faelled::node
