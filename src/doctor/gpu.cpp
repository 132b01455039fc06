#include "doctor/gpu.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/limits.hpp"

namespace faelled::doctor {
namespace {

using enum Verdict;

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::uint64_t number(std::string_view text) {
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

// One "Name : value" line; sections have no colon.
struct Reader {
  std::vector<Gpu> gpus;
  std::string driver;
  std::string section;

  void take(std::string_view line) {
    if (line.starts_with("GPU ")) {
      if (gpus.size() < limits::doctor_gpus_max) gpus.emplace_back().driver = driver;
      return;
    }
    const std::size_t colon = line.find(" : ");
    if (colon == line.npos) {
      section = trimmed(line);
      return;
    }
    take(trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 3)));
  }

  void take(std::string_view name, std::string_view value) {
    if (name == "Driver Version") driver = value;
    if (gpus.empty()) return;
    Gpu& gpu = gpus.back();
    if (name == "Product Name" && gpu.name.empty()) gpu.name = value;
    if (section == "FB Memory Usage" && name == "Total") gpu.memory_mib = number(value);
    if (section == "MIG Mode" && name == "Current") gpu.mig = value == "Enabled";
    if (name == "Virtualization Mode") {
      gpu.sharing = value == "VGPU" ? Sharing::vgpu : value == "Pass-Through" ? Sharing::pass_through : Sharing::whole;
    }
    if (name == "License Status") gpu.licensed = value.starts_with("Licensed");
  }
};

Finding finding(std::size_t number, const Gpu& gpu) {
  Finding out{fmt::format("gpu {}", number),
              good,
              fmt::format("{}, {} MiB, driver {}", gpu.name, gpu.memory_mib, gpu.driver),
              {}};
  switch (gpu.sharing) {
    case Sharing::whole:
      out.says += "; the whole card: every engine and their sleep mode can be used";
      break;
    case Sharing::pass_through:
      out.says += "; passed through to this virtual machine: as good as the whole card, and cannot move with a live VM";
      break;
    case Sharing::vgpu:
      out.verdict = gpu.licensed ? note : bad;
      out.says +=
          "; a vGPU: a fixed part of a card, shared in time with other virtual machines. Unified memory is off "
          "unless the hypervisor gives the whole card and switches it on; sleeping engines and memory readings "
          "must be tried before they are relied on";
      out.mend = gpu.licensed
                     ? "ask the host's operator for a whole-card profile (1:1) where engines shall sleep and wake"
                     : "its licence is missing: the driver slows it down until it works no more; set the licence "
                       "server in /etc/nvidia/gridd.conf";
      break;
  }
  if (gpu.mig) out.says += "; MIG is on: each instance counts as a device of its own, and no engine spans two";
  return out;
}

}  // namespace

std::vector<Gpu> parse_nvidia_smi(std::string_view text) {
  Reader reader;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    reader.take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::move(reader.gpus);
}

std::vector<Finding> gpus(std::string_view said, bool missing, bool wanted) {
  if (missing)
    return {{"gpu", wanted ? warn : note, "no NVIDIA driver on this machine (nvidia-smi is not there)",
             wanted ? "a model is to lie on a GPU: install the driver, and in a container the NVIDIA Container Toolkit"
                    : ""}};
  const auto found = parse_nvidia_smi(said);
  if (found.empty())
    return {{"gpu", bad, "the NVIDIA driver is installed and answers for no GPU",
             "run nvidia-smi and read its error: driver and kernel module of different versions, or no device given to "
             "this container"}};
  std::vector<Finding> out;
  for (const Gpu& gpu : found) out.push_back(finding(out.size(), gpu));
  return out;
}

}  // namespace faelled::doctor
