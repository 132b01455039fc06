#include "node/gpu_books.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace faelled::node {

GpuBooks books_of(const Gpu& gpu, std::span<const OnGpu> ours, const std::optional<GpuBooks>& before) {
  GpuBooks books;
  std::uint64_t known = 0;
  bool all_seen = true;
  for (const OnGpu& engine : ours) {
    std::uint64_t bytes = 0;
    for (const GpuProcess& process : gpu.processes)
      if (gpu.tells_processes && std::ranges::find(engine.processes, process.pid) != engine.processes.end())
        bytes += process.bytes;
    all_seen &= bytes > 0;
    books.read.push_back(bytes);
    known += bytes > 0 ? bytes : engine.need;
  }
  books.others = books.others_seen = gpu.taken - std::min(gpu.taken, known);
  if (before && books.others > before->others)
    books.others = std::max(before->others, std::min(books.others_seen, before->others_seen));
  if (before && !all_seen) books.others = std::max(books.others, before->others);
  // Where there are several, no layer is divided: each card has some room left that is too small for one.
  const std::uint64_t kept = std::max(gpu.cards * limits::gpu_reserve_bytes, gpu.bytes / (gpu.cards > 1 ? 25 : 50));
  books.for_models = gpu.bytes - std::min(gpu.bytes, books.others + kept);
  return books;
}

}  // namespace faelled::node
