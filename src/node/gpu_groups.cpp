#include "node/gpu_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>

namespace faelled::node {
namespace {

// Adds a further card to what becomes a group.
void join(Gpu& group, const Gpu& card) {
  constexpr std::size_t prefix = std::string_view("gpu").size();
  group.uuid += "," + card.uuid;
  group.device += "+" + card.device.substr(prefix);
  group.bytes += card.bytes;
  group.taken += card.taken;
  group.tells_processes = group.tells_processes && card.tells_processes;
  for (const GpuProcess& process : card.processes) {
    const auto same = std::ranges::find(group.processes, process.pid, &GpuProcess::pid);
    if (same == group.processes.end())
      group.processes.push_back(process);
    else
      same->bytes += process.bytes;
  }
  group.cards += card.cards;
}

}  // namespace

GpuGroups groups_of(const std::vector<Gpu>& gpus, const std::vector<std::vector<unsigned>>& numbers) {
  GpuGroups groups;
  for (const std::vector<unsigned>& group : numbers) {
    std::vector<std::string> uuids;
    std::string wrong;
    for (const unsigned number : group) {
      const auto gpu = std::ranges::find(gpus, fmt::format("gpu{}", number), &Gpu::device);
      if (gpu == gpus.end()) {
        wrong = fmt::format("there is no GPU {}, or it does not answer", number);
      } else if (gpu->uuid.starts_with("MIG-")) {
        wrong = fmt::format("GPU {} is a part of a card (MIG), and a process sees one part only", number);
      } else {
        uuids.push_back(gpu->uuid);
      }
      if (!wrong.empty()) break;
    }
    if (wrong.empty())
      groups.uuids.push_back(std::move(uuids));
    else
      groups.wrong.push_back(fmt::format("GPUs {} are not one memory: {}", fmt::join(group, ", "), wrong));
  }
  return groups;
}

std::vector<Gpu> together(const std::vector<Gpu>& gpus, const std::vector<std::vector<std::string>>& groups) {
  std::vector<Gpu> all;
  for (const Gpu& gpu : gpus) {
    const auto group =
        std::ranges::find_if(groups, [&](const auto& g) { return std::ranges::find(g, gpu.uuid) != g.end(); });
    if (group == groups.end()) {
      all.push_back(gpu);
      continue;
    }
    if (gpu.uuid != group->front()) continue;
    Gpu whole = gpu;
    std::vector<std::string> names{gpu.name};
    bool there = true;
    for (auto uuid = group->begin() + 1; uuid != group->end(); ++uuid) {
      const auto card = std::ranges::find(gpus, *uuid, &Gpu::uuid);
      there = there && card != gpus.end();
      if (!there) break;
      join(whole, *card);
      names.push_back(card->name);
    }
    const bool alike = std::ranges::adjacent_find(names, std::not_equal_to()) == names.end();
    whole.name = alike ? fmt::format("{} × {}", names.size(), gpu.name) : fmt::format("{}", fmt::join(names, " + "));
    if (there) all.push_back(std::move(whole));
  }
  return all;
}

}  // namespace faelled::node
