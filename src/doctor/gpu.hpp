// What the NVIDIA driver says of the GPUs, and what each kind allows: whole card, pass-through, vGPU, MIG. Reads what
// `nvidia-smi -q` prints (NVIDIA's documented text form), so that a support case and a test can show it again. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "doctor/finding.hpp"

namespace faelled::doctor {

enum class Sharing : std::uint8_t { whole, pass_through, vgpu };

struct Gpu {
  std::string name;
  std::string driver;
  std::uint64_t memory_mib = 0;
  Sharing sharing = Sharing::whole;
  bool mig = false;
  bool licensed = true;  // of a vGPU
  bool operator==(const Gpu&) const = default;
};

// Bounded; lines it does not know are skipped. Empty: none.
std::vector<Gpu> parse_nvidia_smi(std::string_view text);

// `said`: what nvidia-smi printed; empty with `missing`: the program is not there.
std::vector<Finding> gpus(std::string_view said, bool missing, bool wanted);

}  // namespace faelled::doctor
