#include "node/node.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/folder.hpp"
#include "base/limits.hpp"
#include "engines/vllm_server.hpp"
#include "node/compiled.hpp"
#include "node/engine_host.hpp"
#include "node/engine_log.hpp"
#include "node/upstream_host.hpp"

namespace faelled::node {

namespace {

constexpr std::size_t socket_name_bytes = 18;  // "/" + 12 + ".sock"

bool is_more(std::uint64_t now, std::uint64_t before) { return now > before + before / 50; }

Expected<void> make_private(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || (errno == EEXIST && ::chmod(path.c_str(), 0700) == 0)) return {};
  return fail(Errc::io, fmt::format("folder {}: {}", path, std::strerror(errno)),
              "make the data folder writable for the server's user");
}

}  // namespace

Node::Node(net::Loop& loop, http::Client& client, const Clock& clock, Random& random, observe::Log& log,
           rpc::ReportPort& reports, Settings settings)
    : loop_(loop),
      client_(client),
      clock_(clock),
      random_(random),
      log_(log),
      reports_(reports),
      settings_(std::move(settings)),
      reading_(loop, [this] { read_memory(); }),
      self_(std::make_shared<Node*>(this)) {
  for (const Gpu& gpu : settings_.gpus) {
    const GpuBooks books = books_of(gpu, {});
    gpus_.push_back({gpu.device, gpu, books, books.for_models});
  }
}

Node::~Node() {
  beginning_ = true;  // nobody is told any more, and none leaves the list
  for (auto& held : hosts_) held.host->close();
  std::error_code ignored;
  if (sockets_elsewhere_) std::filesystem::remove_all(sockets_, ignored);
}

Expected<void> Node::make_folders() {
  constexpr auto compiled_unused_max = std::chrono::days(30);
  forget_compiled(settings_.folder + "/compiled", std::filesystem::file_time_type::clock::now() - compiled_unused_max);
  auto logs = settings_.folder + "/engines";
  if (auto made = make_private(logs); !made) return made;
  sockets_ = std::filesystem::absolute(settings_.folder + "/run").lexically_normal().string();
  if (sockets_.size() + socket_name_bytes > limits::unix_path_bytes_max) {
    constexpr const char* shorter = "choose a data folder with a shorter path";
    std::error_code error;
    const auto elsewhere = std::filesystem::temp_directory_path(error);
    if (error) return fail(Errc::io, "the folder for temporary files: " + error.message(), shorter);
    std::string name = elsewhere.string() + "/faelled-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      return fail(Errc::io, fmt::format("folder {}: {}", name, std::strerror(errno)), shorter);
    }
    sockets_ = name;
    sockets_elsewhere_ = true;
    return {};
  }
  if (auto made = make_private(sockets_); !made) return made;
  // Those of a server that was killed; the data folder's lock says that no other one runs on it.
  std::error_code ignored;
  for (const auto& entry : entries_of(sockets_)) std::filesystem::remove_all(entry.path(), ignored);
  return {};
}

Expected<void> Node::start() {
  if (auto made = make_folders(); !made) return made;
  beginning_ = true;  // one report for all of them
  for (const auto& model : std::exchange(settings_.models, {})) know(model);
  beginning_ = false;
  changed();
  reading_.arm(settings_.memory_read_every);
  return {};
}

bool Node::know(const engines::ModelSettings& model) {
  if (!settings_.look_up) models_.insert_or_assign(model.id, model);
  if (stopping_) return true;
  if (model.kind != engines::EngineKind::openai) {
    bool adapted = true;
    for (auto& held : std::vector(hosts_))
      if (held.model == model.id) adapted = held.host->adapt(model) && adapted;
    return adapted;
  }
  forget_upstream(model.id);
  begin(model, {});
  changed();
  return true;
}

void Node::forget(const std::string& model) {
  models_.erase(model);
  forget_upstream(model);
}

void Node::forget_upstream(const std::string& model) {
  const auto held = std::ranges::find_if(hosts_, [&](const Held& h) { return h.model == model && h.device.empty(); });
  if (held != hosts_.end()) std::shared_ptr(held->host)->stop({});
}

void Node::begin(const engines::ModelSettings& model, const std::string& device) {
  Surroundings around{loop_, client_, clock_, random_, log_, [this] { changed(); }};
  Held held{nullptr, model.id, device};
  if (model.kind != engines::EngineKind::openai) {
    EngineFolders folders{
        sockets_, std::filesystem::absolute(settings_.folder + "/engines").string(), {}, {}, settings_.environment};
    folders.compiled = compiled_folder(std::filesystem::absolute(settings_.folder + "/compiled").string(), model);
    if (!gpus_.empty()) {
      // The one it was given, or none at all.
      std::erase_if(folders.environment, [](const std::string& e) { return e.starts_with("CUDA_VISIBLE_DEVICES="); });
      const GpuDevice* own = gpu(device);
      folders.environment.push_back("CUDA_VISIBLE_DEVICES=" + (own != nullptr ? own->last.uuid : std::string()));
      if (own != nullptr) folders.gpu_bytes = own->last.bytes;
    }
    const bool further = std::ranges::find(hosts_, model.id, &Held::model) != hosts_.end();
    folders.log = log_name_of(model.id, further ? device : "");
    held.host = std::make_shared<EngineHost>(around, model, folders, settings_.patience, sleeps_on(device));
  } else {
    held.host = std::make_shared<UpstreamHost>(around, model, settings_.upstream_patience);
  }
  hosts_.push_back(held);
  held.host->begin();
}

void Node::direct(const rpc::Directive& directive) {
  // As its model is now: one that is removed before this is carried out begins and ends, and who directs hears of both.
  auto model = directive.act == rpc::Directive::Act::load ? settings_of(directive.model) : std::nullopt;
  loop_.post([weak = std::weak_ptr(self_), directive, model = std::move(model)] {
    if (const auto self = weak.lock()) (*self)->carry_out(directive, model);
  });
}

std::optional<engines::ModelSettings> Node::settings_of(const std::string& model) const {
  if (settings_.look_up) return settings_.look_up(model);
  const auto known = models_.find(model);
  return known == models_.end() ? std::nullopt : std::optional(known->second);
}

void Node::carry_out(const rpc::Directive& directive, const std::optional<engines::ModelSettings>& model) {
  // An upstream has no device, and nobody directs it.
  const auto held = std::ranges::find_if(hosts_, [&](const Held& h) {
    return h.model == directive.model && h.device == directive.device && !h.device.empty();
  });
  if (directive.act != rpc::Directive::Act::load) {
    if (held == hosts_.end()) return;
    const auto host = held->host;
    if (directive.act == rpc::Directive::Act::unload) host->unload();
    if (directive.act == rpc::Directive::Act::sleep) host->sleep(directive.level);
    if (directive.act == rpc::Directive::Act::wake) host->wake();
    return;
  }
  if (held != hosts_.end() || stopping_ || !model) return;
  // What else has changed since it was directed ends this engine; of adapters alone nobody hears but who has them.
  const auto now = settings_of(directive.model);
  begin(now && engines::same_but_adapters(*now, *model) ? *now : *model, directive.device);
  changed();
}

void Node::look_at(const std::string& engine) {
  for (auto& held : hosts_) {
    if (held.host->report().engine == engine) return std::shared_ptr(held.host)->look_now();
  }
}

void Node::stop(Duration drain, std::function<void()> ended) {
  ended_ = std::move(ended);
  stopping_ = true;
  reading_.cancel();
  beginning_ = true;
  for (auto& held : std::vector(hosts_)) held.host->stop(drain);
  beginning_ = false;
  changed();
}

rpc::Report Node::report() const {
  rpc::Report report{settings_.name, {}, settings_.devices};
  for (const auto& held : hosts_) {
    report.engines.push_back(held.host->report());
    report.engines.back().device = held.device;
    report.engines.back().bytes_read = held.bytes_read;
    if (held.readings_due > 0 && report.engines.back().state == rpc::EngineState::asleep)
      report.engines.back().state = rpc::EngineState::draining;
  }
  if (rpc::DeviceReport* host = beside_gpus(report.devices)) {
    std::uint64_t beside = 0;
    for (const auto& held : hosts_) beside += held.bytes_beside;
    host->bytes -= std::min(host->bytes, beside);
  }
  for (const GpuDevice& gpu : gpus_)
    report.devices.push_back({gpu.device, gpu.told, rpc::DeviceKind::gpu, settings_.gpu_backing, gpu.last.cards});
  return report;
}

std::vector<Node::Measured> Node::measured() const {
  std::vector<Measured> all;
  for (const auto& held : hosts_)
    if (const auto gauges = held.host->gauges(); gauges != engines::Gauges())
      all.push_back({held.model, held.device, gauges});
  return all;
}

const Node::GpuDevice* Node::gpu(const std::string& device) const {
  const auto found = std::ranges::find(gpus_, device, &GpuDevice::device);
  return found == gpus_.end() ? nullptr : &*found;
}

// The machine's own memory, in which an engine on a GPU has its libraries and buffers.
rpc::DeviceReport* Node::beside_gpus(std::vector<rpc::DeviceReport>& devices) const {
  const auto found = std::ranges::find_if(devices, [&](const rpc::DeviceReport& d) {
    return settings_.gpu_backing.empty() ? d.kind == rpc::DeviceKind::host : d.device == settings_.gpu_backing;
  });
  return found == devices.end() ? nullptr : &*found;
}

bool Node::sleeps_on(const std::string& device) const {
  if (gpu(device) != nullptr) return !settings_.gpu_backing.empty();
  const auto found = std::ranges::find(settings_.devices, device, &rpc::DeviceReport::device);
  return found != settings_.devices.end() && !found->backing.empty();
}

void Node::read(const std::vector<Gpu>& gpus) {
  bool different = false;
  for (GpuDevice& device : gpus_) {
    const auto now = std::ranges::find(gpus, device.last.uuid, &Gpu::uuid);
    if (now == gpus.end()) continue;
    std::vector<Held*> here;
    std::vector<OnGpu> ours;
    for (Held& held : hosts_) {
      if (held.device != device.device) continue;
      here.push_back(&held);
      const std::uint64_t need = held.asleep ? engines::vllm_asleep_bytes : held.host->memory_need();
      ours.push_back({need, held.host->processes()});
    }
    const GpuBooks books = books_of(*now, ours, device.books);
    device.last = *now;
    device.books = books;
    for (std::size_t i = 0; i < here.size(); ++i) {
      if (here[i]->readings_due > 0 && --here[i]->readings_due == 0) {
        here[i]->bytes_read = books.read[i];
        different = true;
      }
      if (!is_more(books.read[i], here[i]->bytes_read)) continue;
      here[i]->bytes_read = books.read[i];
      different = true;
    }
    const auto apart = std::max(device.told, books.for_models) - std::min(device.told, books.for_models);
    if (apart < device.last.bytes / 100) continue;
    log_.info("memory of a GPU for models",
              {{"device", device.device}, {"bytes", books.for_models}, {"others", books.others}});
    device.told = books.for_models;
    different = true;
  }
  if (different) changed();
}

// Told when an engine has grown by more than a fiftieth: it may need more than was thought.
void Node::read_memory() {
  bool changes = false;
  for (auto& held : hosts_) {
    if (held.readings_due > 0 && clock_.now() - held.slept_at > settings_.gpu_silent_max) {
      log_.warn("the driver does not say what an engine that sleeps has given back",
                {{"model", held.model}, {"device", held.device}});
      held.readings_due = 0;
      held.bytes_read = 0;
      changes = true;
    }
    // On a GPU it is what it takes of the machine beside that: not while it sleeps, for then its weights lie there.
    const bool on_gpu = gpu(held.device) != nullptr;
    if (on_gpu && held.host->report().state != rpc::EngineState::ready) continue;
    std::uint64_t& before = on_gpu ? held.bytes_beside : held.bytes_read;
    const std::uint64_t now = held.host->memory_read();
    if (!is_more(now, before)) continue;
    before = now;
    changes = true;
  }
  if (changes) changed();
  reading_.arm(settings_.memory_read_every);
}

void Node::changed() {
  if (beginning_) return;
  for (auto& held : hosts_) {
    // Not on its own stack, which may be below us.
    if (held.host->ended()) loop_.post([gone = std::move(held.host)] {});
  }
  std::erase_if(hosts_, [](const Held& held) { return held.host == nullptr; });
  for (auto& held : hosts_) {
    const bool asleep = held.host->report().state == rpc::EngineState::asleep;
    // What it gave back is told with the word that it sleeps: that word alone is not believed.
    if (asleep && !held.asleep) {
      if (gpu(held.device) == nullptr) {
        held.bytes_read = held.host->memory_read();
      } else if (gpu_wish_) {
        held.readings_due = 2;  // one may be under way
        held.slept_at = clock_.now();
        gpu_wish_();
      }
    }
    held.asleep = asleep;
  }
  reports_.report(report());
  if (ended_ && hosts_.empty()) loop_.post(std::exchange(ended_, nullptr));
}

}  // namespace faelled::node
