#include "node/gpus.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/limits.hpp"

namespace faelled::node {
namespace {

// As nvml.h declares them; the header is not free to be shipped.
using Handle = struct Device*;
using Status = int;
constexpr Status ok = 0, too_small = 7;
constexpr std::uint64_t not_available = UINT64_MAX;

struct Memory {
  unsigned long long total, free, used;
};
struct MemoryV2 {
  unsigned version;
  unsigned long long total, reserved, free, used;
};
constexpr unsigned memory_v2 = sizeof(MemoryV2) | 2U << 24U;
struct ProcessInfo {
  unsigned pid;
  unsigned long long bytes;
  unsigned gpu_instance, compute_instance;
};

}  // namespace

struct Gpus::Library {
  void* library = nullptr;
  Status (*begin)() = nullptr;
  Status (*end)() = nullptr;
  const char* (*words)(Status) = nullptr;
  Status (*count)(unsigned*) = nullptr;
  Status (*at)(unsigned, Handle*) = nullptr;
  Status (*uuid)(Handle, char*, unsigned) = nullptr;
  Status (*name)(Handle, char*, unsigned) = nullptr;
  Status (*memory)(Handle, Memory*) = nullptr;
  // Not in every driver.
  Status (*memory2)(Handle, MemoryV2*) = nullptr;
  Status (*processes)(Handle, unsigned*, ProcessInfo*) = nullptr;
  Status (*mig_mode)(Handle, unsigned*, unsigned*) = nullptr;
  Status (*mig_count)(Handle, unsigned*) = nullptr;
  Status (*mig_at)(Handle, unsigned, Handle*) = nullptr;
  bool begun = false;

  Library() = default;
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() {
    if (begun) end();
    if (library != nullptr) ::dlclose(library);
  }

  template <class Function>
  bool find(Function& function, std::initializer_list<const char*> names) {
    for (const char* one : names) {
      function = reinterpret_cast<Function>(::dlsym(library, one));
      if (function != nullptr) return true;
    }
    return false;
  }

  std::optional<Gpu> read(Handle handle) const {
    Gpu gpu;
    constexpr std::size_t text_bytes = 96;  // NVML_DEVICE_UUID_V2_BUFFER_SIZE and NVML_DEVICE_NAME_V2_BUFFER_SIZE
    std::array<char, text_bytes> text{};
    if (uuid(handle, text.data(), text_bytes - 1) != ok) return std::nullopt;
    gpu.uuid = text.data();
    if (name(handle, text.data(), text_bytes - 1) == ok) gpu.name = text.data();
    MemoryV2 now{};
    now.version = memory_v2;
    Memory old{};
    if (memory2 != nullptr && memory2(handle, &now) == ok) {
      gpu.bytes = now.total - std::min(now.total, now.reserved);
      gpu.taken = now.used;
    } else if (memory(handle, &old) == ok) {
      gpu.bytes = old.total;
      gpu.taken = old.used;
    } else {
      return std::nullopt;
    }
    read_processes(handle, gpu);
    return gpu;
  }

  void read_processes(Handle handle, Gpu& gpu) const {
    if (processes == nullptr) return;
    std::vector<ProcessInfo> found(16);
    auto number = static_cast<unsigned>(found.size());
    Status status = processes(handle, &number, found.data());
    if (status == too_small && number <= limits::gpu_processes_max) {
      found.resize(number + 16);
      number = static_cast<unsigned>(found.size());
      status = processes(handle, &number, found.data());
    }
    if (status != ok) return;
    gpu.tells_processes = true;
    found.resize(std::min<std::size_t>(number, found.size()));
    for (const ProcessInfo& one : found) {
      if (one.bytes == not_available) gpu.tells_processes = false;
      gpu.processes.push_back({static_cast<pid_t>(one.pid), one.bytes == not_available ? 0 : one.bytes});
    }
  }
};

Gpus::Gpus(std::unique_ptr<Library> library) : library_(std::move(library)) {}
Gpus::Gpus(Gpus&&) noexcept = default;
Gpus& Gpus::operator=(Gpus&&) noexcept = default;
Gpus::~Gpus() = default;

Expected<Gpus> Gpus::open(const std::string& name) {
  auto library = std::make_unique<Library>();
  Library& l = *library;
  l.library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (l.library == nullptr) return fail(Errc::not_found, "no NVIDIA driver on this machine");
  const bool whole = l.find(l.begin, {"nvmlInit_v2"}) && l.find(l.end, {"nvmlShutdown"}) &&
                     l.find(l.words, {"nvmlErrorString"}) && l.find(l.count, {"nvmlDeviceGetCount_v2"}) &&
                     l.find(l.at, {"nvmlDeviceGetHandleByIndex_v2"}) && l.find(l.uuid, {"nvmlDeviceGetUUID"}) &&
                     l.find(l.name, {"nvmlDeviceGetName"}) && l.find(l.memory, {"nvmlDeviceGetMemoryInfo"});
  if (!whole) return fail(Errc::io, fmt::format("{} is no NVML, or too old", name), "update the NVIDIA driver");
  l.find(l.memory2, {"nvmlDeviceGetMemoryInfo_v2"});
  l.find(l.processes, {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"});
  l.find(l.mig_mode, {"nvmlDeviceGetMigMode"});
  l.find(l.mig_count, {"nvmlDeviceGetMaxMigDeviceCount"});
  l.find(l.mig_at, {"nvmlDeviceGetMigDeviceHandleByIndex"});
  if (const Status status = l.begin(); status != ok)
    return fail(Errc::io, fmt::format("the NVIDIA driver does not answer: {}", l.words(status)),
                "run nvidia-smi, and read its error");
  l.begun = true;
  return Gpus(std::move(library));
}

Expected<std::vector<Gpu>> Gpus::read() const {
  const Library& l = *library_;
  unsigned count = 0;
  if (const Status status = l.count(&count); status != ok)
    return fail(Errc::io, fmt::format("the NVIDIA driver counts no GPUs: {}", l.words(status)),
                "run nvidia-smi, and read its error");
  std::vector<Gpu> all;
  unsigned number = 0;
  const auto add = [&](Handle handle) {
    const unsigned own = number++;  // one that does not answer has its number all the same
    if (all.size() >= limits::gpus_max) return;
    if (auto gpu = l.read(handle)) {
      gpu->device = fmt::format("gpu{}", own);
      all.push_back(std::move(*gpu));
    }
  };
  for (unsigned i = 0; i < count; ++i) {
    Handle card = nullptr;
    if (l.at(i, &card) != ok) {
      ++number;
      continue;
    }
    unsigned mig = 0, later = 0, instances = 0;
    const bool divided = l.mig_mode != nullptr && l.mig_count != nullptr && l.mig_at != nullptr &&
                         l.mig_mode(card, &mig, &later) == ok && mig == 1 && l.mig_count(card, &instances) == ok;
    if (!divided) add(card);
    for (unsigned k = 0; divided && k < instances; ++k)
      if (Handle instance = nullptr; l.mig_at(card, k, &instance) == ok) add(instance);
  }
  return all;
}

}  // namespace faelled::node
