// Gpus: what the NVIDIA driver says of this machine's GPUs: how much memory each has, what of it is taken and by which
// process. Through NVML, a library of the driver that is loaded at run time: where it is not, there are none. Its calls
// may take seconds (a driver that wakes up, a card that has gone): not for the loop's thread.
// Source: NVIDIA's "NVML API Reference", functions named in the .cpp.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace faelled::node {

struct GpuProcess {
  pid_t pid = 0;
  std::uint64_t bytes = 0;
  bool operator==(const GpuProcess&) const = default;
};

// A card, or one instance of a card that is divided (MIG).
struct Gpu {
  std::string uuid;              // as CUDA_VISIBLE_DEVICES takes it; of several with commas
  std::string name;              // for people
  std::uint64_t bytes = 0;       // all but what the driver keeps for itself
  std::uint64_t taken = 0;       // by all processes
  bool tells_processes = false;  // a vGPU does not, nor a container that does not see their numbers
  std::vector<GpuProcess> processes;
  std::string device;  // our name for it: "gpu0", by its place in the driver's order
  unsigned cards = 1;  // more: see gpu_groups.hpp
  bool operator==(const Gpu&) const = default;
};

class Gpus {
 public:
  // Errors: not_found (no driver here), io (a driver that does not answer; the message is its own).
  static Expected<Gpus> open(const std::string& library = "libnvidia-ml.so.1");
  Gpus(Gpus&&) noexcept;
  Gpus& operator=(Gpus&&) noexcept;
  ~Gpus();

  // In the driver's order, at most limits::gpus_max. One thread at a time. One that does not answer is left out.
  Expected<std::vector<Gpu>> read() const;

 private:
  struct Library;
  explicit Gpus(std::unique_ptr<Library> library);
  std::unique_ptr<Library> library_;
};

}  // namespace faelled::node
