#include "doctor/machine.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ranges>

#include "base/limits.hpp"
#include "base/whole_file.hpp"

namespace faelled::doctor {
namespace {

namespace fs = std::filesystem;
using enum Verdict;

constexpr double gib = 1024.0 * 1024 * 1024;

std::string text_of(const fs::path& file) { return read_whole(file).value_or(""); }

std::string size(std::uint64_t bytes) { return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / gib); }

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  return read.ec == std::errc() ? std::optional(out) : std::nullopt;
}

// "MemTotal:       24689764 kB"
std::optional<std::uint64_t> meminfo(const fs::path& root, std::string_view name) {
  const std::string text = text_of(root / "proc/meminfo");
  const std::size_t at = text.find(std::string(name) + ":");
  if (at == text.npos) return std::nullopt;
  const std::size_t digits = text.find_first_of("0123456789", at);
  if (digits == text.npos) return std::nullopt;
  const auto kib = number(std::string_view(text).substr(digits));
  return kib ? std::optional(*kib * 1024) : std::nullopt;
}

struct Group {
  fs::path tree;  // below /sys/fs/cgroup
  fs::path at;    // in there; not there where a container sees its host's names and its own root
  const char* file;
};

// "0::/system.slice/faelled.service", and of version 1 "4:memory:/docker/83286870"; nothing: it counts no memory.
std::optional<Group> group_of(std::string_view line) {
  const std::size_t first = line.find(':'), second = line.find(":/", first + 1);
  if (first == line.npos || second == line.npos) return std::nullopt;
  const std::string_view controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 2);
  if (controllers.empty()) return Group{"", path, "memory.max"};
  for (const auto controller : std::views::split(controllers, ','))
    if (std::string_view(controller) == "memory") return Group{"memory", path, "memory.limit_in_bytes"};
  return std::nullopt;
}

// The tightest from the group up to its tree's root.
std::optional<std::uint64_t> limit_of(const fs::path& cgroups, Group group) {
  constexpr std::uint64_t none = 1ULL << 62U;  // version 1 says all there could be, to a page
  std::optional<std::uint64_t> least;
  while (true) {
    const auto here = number(text_of(cgroups / group.tree / group.at / group.file));  // "max": no number
    if (here && *here < none && (!least || *here < *least)) least = here;
    if (group.at.empty()) return least;
    group.at = group.at.parent_path();
  }
}

}  // namespace

std::optional<std::uint64_t> cgroup_memory_max(const fs::path& root) {
  std::optional<std::uint64_t> least;
  for (const auto line : std::views::split(text_of(root / "proc/self/cgroup"), '\n')) {
    const auto group = group_of(std::string_view(line));
    const auto limit = group ? limit_of(root / "sys/fs/cgroup", *group) : std::nullopt;
    if (limit && (!least || *limit < *least)) least = limit;
  }
  return least;
}

std::optional<std::uint64_t> memory_usable(const fs::path& root) {
  const auto total = meminfo(root, "MemTotal"), limit = cgroup_memory_max(root);
  return total && limit ? std::min(*total, *limit) : total ? total : limit;
}

// Less than is kept for it on any machine, where residency.memory_gb says nothing.
bool leaves_none(std::uint64_t for_models, std::uint64_t usable) {
  return for_models + limits::doctor_own_memory_bytes / 2 > usable;
}

Finding memory(const fs::path& root, const Needs& needs) {
  const auto total = meminfo(root, "MemTotal");
  if (!total) return {"memory", warn, "how much memory there is cannot be read", "look at /proc/meminfo"};
  const std::uint64_t usable = memory_usable(root).value_or(*total);
  const bool limited = usable < *total;
  std::string says = limited
                         ? fmt::format("{} of the machine's {}: its cgroup allows no more", size(usable), size(*total))
                         : fmt::format("{}, no lower limit by a cgroup", size(usable));
  const char* more = limited ? "raise MemoryMax of the service (or the container's limit), or " : "add memory, or ";
  says += fmt::format("; {} for models", size(needs.for_models));
  if (leaves_none(needs.for_models, usable))
    return {"memory", bad, says + ", and the server needs some too", std::string(more) + "lower residency.memory_gb"};
  if (needs.models.empty()) return {"memory", good, std::move(says), {}};
  const ModelNeeds& largest = *std::ranges::max_element(needs.models, {}, &ModelNeeds::bytes);
  std::uint64_t pinned = 0;
  for (const ModelNeeds& model : needs.models) pinned += model.pinned ? model.bytes : 0;
  says += fmt::format(", the largest of which, {}, needs {}", largest.id, size(largest.bytes));
  if (largest.bytes > needs.for_models)
    return {"memory", bad, std::move(says),
            std::string(more) + "give it fewer places or a shorter context, or serve a smaller one"};
  if (pinned > needs.for_models)
    return {"memory", bad, says + fmt::format("; those that are pinned need {} together", size(pinned)),
            std::string(more) + "unpin some"};
  return {"memory", good, std::move(says), {}};
}

Finding swap(const fs::path& root) {
  const auto total = meminfo(root, "SwapTotal");
  if (total.value_or(0) == 0) return {"swap", good, "none: nothing anybody wrote is ever paged to a disk", {}};
  return {"swap", note, fmt::format("{}: words and keys may be paged to disk", size(*total)),
          "encrypt it, or set MemorySwapMax=0 in the service"};
}

Finding shared_memory(const fs::path& folder) {
  struct statvfs info{};
  if (::statvfs(folder.c_str(), &info) != 0)
    return {"shm", warn, folder.string() + " is not there: " + std::strerror(errno),
            "vLLM on several GPUs needs it; mount a tmpfs there"};
  const std::uint64_t bytes = std::uint64_t{info.f_blocks} * info.f_frsize;
  if (bytes >= limits::doctor_shm_bytes_min) return {"shm", good, fmt::format("{} of shared memory", size(bytes)), {}};
  return {
      "shm", warn, fmt::format("{} of shared memory, less than {}", size(bytes), size(limits::doctor_shm_bytes_min)),
      "llama-server needs none; vLLM on several GPUs does: --shm-size in a container, an emptyDir with medium Memory "
      "in Kubernetes"};
}

Finding disk(const Needs& needs) {
  fs::path at = needs.data;
  std::error_code code;
  while (!fs::exists(at, code) && at.has_parent_path() && at != at.parent_path()) at = at.parent_path();
  struct statvfs info{};
  if (::statvfs(at.empty() ? "." : at.c_str(), &info) != 0)
    return {"disk", bad, needs.data.string() + ": " + std::strerror(errno), "choose another data folder with `data:`"};
  const std::uint64_t free = std::uint64_t{info.f_bavail} * info.f_frsize;
  const std::string says = fmt::format("{} free for {}", size(free), needs.data.string());
  if (free < limits::doctor_disk_bytes_min)
    return {"disk", bad, says, "free space: without room for the journal every request is refused"};
  if (free < limits::doctor_disk_bytes_low) return {"disk", warn, says, "free some space soon"};
  if (info.f_flag & ST_RDONLY) return {"disk", bad, says + ", but it is mounted read-only", "mount it for writing"};
  return {"disk", good, says, {}};
}

Finding clock_state(int status, std::int64_t error_max_us) {
  if ((status & STA_UNSYNC) == 0)
    return {"clock", good, fmt::format("kept in step with a time server, at most {} ms off", error_max_us / 1000), {}};
  return {
      "clock", warn, "not kept in step with a time server",
      "certificates, sign-in links, users' tokens and the ledger go by it: install chrony or systemd-timesyncd, or let "
      "the host keep it"};
}

Finding clock() {
  timex now{};
  if (::adjtimex(&now) < 0) return {"clock", note, std::string("cannot be asked: ") + std::strerror(errno), {}};
  return clock_state(now.status, now.maxerror);
}

Finding open_files(std::uint64_t allowed, const Needs& needs) {
  const std::uint64_t wanted = 2 * needs.connections + limits::doctor_own_files;
  if (allowed >= wanted) return {"files", good, fmt::format("{} open files are allowed", allowed), {}};
  return {"files", warn,
          fmt::format("{} open files are allowed; {} connections with their engines want {}", allowed,
                      needs.connections, wanted),
          "set LimitNOFILE in the service, or lower limits.connections"};
}

Finding open_files(const Needs& needs) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  return open_files(files.rlim_max, needs);
}

// Ours and our engines' are switched off by a limit; this is about everything else on the machine that holds our words.
Finding core_dumps(const fs::path& root) {
  std::string pattern = text_of(root / "proc/sys/kernel/core_pattern");
  if (pattern.ends_with('\n')) pattern.pop_back();
  if (!pattern.starts_with('|')) return {"core dumps", good, "the server and its engines write none", {}};
  return {"core dumps",
          note,
          "the machine gives core dumps to " + pattern.substr(1, pattern.find(' ') - 1) +
              "; the server and its engines refuse to be dumped",
          {}};
}

}  // namespace faelled::doctor
