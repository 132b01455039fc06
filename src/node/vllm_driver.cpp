#include "node/vllm_driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/folder.hpp"
#include "base/limits.hpp"
#include "engines/vllm_build.hpp"
#include "engines/vllm_server.hpp"
#include "node/compiled.hpp"

namespace faelled::node {

namespace {

namespace fs = std::filesystem;

// Each takes a minute, in which nothing new is asked of the engine.
constexpr std::uint32_t unanswered_max = 3;

// The folder around bin/vllm: a Python of its own, with its packages.
fs::path home_of(const std::string& program) { return fs::path(program).parent_path().parent_path(); }

// Where the Python lies that a virtual environment was made with (its pyvenv.cfg says so); empty: it says nothing.
std::string base_of(const fs::path& home) {
  std::ifstream file(home / "pyvenv.cfg");
  constexpr std::string_view key = "home = ";
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return fs::path(line.substr(key.size())).parent_path().string();
  return {};
}

bool has(const std::vector<engines::AdapterSettings>& all, const engines::AdapterSettings& one) {
  return std::ranges::find(all, one) != all.end();
}

}  // namespace

VllmDriver::VllmDriver(engines::ModelSettings model, bool sleeps)
    : model_(std::move(model)), for_processors_(engines::vllm_for_processors(model_.vllm)), sleeps_(sleeps) {}

std::vector<std::string> VllmDriver::files() const {
  std::vector<std::string> all{model_.folder, model_.chat_template_file, model_.adapters_folder, model_.vllm};
  std::error_code error;
  for (const auto& entry : entries_of(model_.folder, error, limits::model_shards_max))
    all.push_back(entry.path().string());
  std::ranges::sort(all);
  return all;
}

std::function<Expected<Driver::Found>()> VllmDriver::look() {
  return [this, model = model_]() -> Expected<Found> {
    const bool for_processors = engines::vllm_for_processors(model.vllm);
    auto folder = engines::read_model_folder(model.folder);
    if (!folder) return std::unexpected(folder.error());
    if (auto command = engines::vllm_server_command(model, *folder, {"/any", "/any/v.sock"}); !command)
      return std::unexpected(command.error());
    if (model.gpu && for_processors) {
      return fail(
          Errc::invalid,
          fmt::format("model {}: {} was built for processors, and the model is to lie on a GPU", model.id, model.vllm),
          "install vLLM's build for GPUs, or write device: host");
    }
    if (auto readable = look_at_template(model); !readable) return std::unexpected(readable.error());
    if (auto there = engines::look_at_adapters_folder(model); !there) return std::unexpected(there.error());
    if (engines::lacks_template(model, folder->chat_template)) {
      return fail(Errc::invalid, fmt::format("model {}: {} has no chat template of its own", model.id, model.folder),
                  "name one in chat_template_file");
    }
    auto adapters = engines::look_at_adapters(model);
    if (!adapters) return std::unexpected(adapters.error());
    return [this, model, for_processors, folder = *folder, adapters = *adapters] {
      for_processors_ = for_processors;
      folder_ = folder;
      without_ = in_words(model, adapters);
      adapters_ = adapters.usable;
    };
  };
}

// A process reads what was named when it began, and what lies below the folder for such as come later.
bool VllmDriver::adopt(const engines::ModelSettings& model) {
  if (!model_.takes_adapters()) return false;
  const auto reaches = [&](const engines::AdapterSettings& adapter) {
    const std::string below = model_.adapters_folder + "/";
    return std::ranges::find(begun_with_, adapter.path, &engines::AdapterSettings::path) != begun_with_.end() ||
           (!model_.adapters_folder.empty() && adapter.path.starts_with(below));
  };
  if (!std::ranges::all_of(model.adapters, reaches)) return false;
  model_ = model;
  if (auto adapters = engines::look_at_adapters(model_)) {
    without_ = in_words(model_, *adapters);
    adapters_ = std::move(adapters->usable);
  } else {  // what the process has of them it goes on to have
    without_ = {fmt::format("{}; {}", adapters.error().message, adapters.error().hint)};
    std::erase_if(adapters_, [&](const engines::AdapterSettings& had) { return !has(model_.adapters, had); });
  }
  return true;
}

std::vector<VllmDriver::Given>::const_iterator VllmDriver::unwanted() const {
  return std::ranges::find_if(
      given_, [&](const Given& one) { return one.there == There::perhaps || !has(adapters_, one.adapter); });
}

const engines::AdapterSettings* VllmDriver::missing() const {
  for (const engines::AdapterSettings& adapter : adapters_)
    if (std::ranges::find(given_, adapter, &Given::adapter) == given_.end()) return &adapter;
  return nullptr;
}

std::string VllmDriver::name_of_next(const engines::AdapterSettings& adapter) const {
  return fmt::format("{}:{}.{}", model_.id, adapter.name, names_ + 1);
}

void VllmDriver::note(const engines::AdapterSettings& adapter, const std::string& name, There there) {
  ++names_;
  given_.push_back({adapter, name, there});
}

void VllmDriver::drop(const std::string& name) {
  std::erase_if(given_, [&](const Given& one) { return one.upstream_model == name; });
}

// Dropped at once: what it answers with an adapter it answers to the end, and only its name is gone. One that it has
// perhaps goes first: it takes no name twice.
std::optional<Change> VllmDriver::change() {
  Question call{"POST", "", ""};
  call.within_least = 60s;  // it reads the whole adapter
  if (const auto gone = unwanted(); gone != given_.end()) {
    const std::string name = gone->upstream_model;
    call.target = "/v1/unload_lora_adapter";
    call.body = engines::vllm_drops_adapter(name);
    // An adapter that it could not be given it does not know either.
    return Change{std::move(call),
                  [this, name](bool) {
                    drop(name);
                    return std::string();
                  },
                  [this, name] {
                    if (++unanswered_ >= unanswered_max) drop(name);
                    return std::string();
                  }};
  }
  const auto* next = missing();
  if (next == nullptr) return std::nullopt;
  const std::string name = name_of_next(*next);
  call.target = "/v1/load_lora_adapter";
  call.body = engines::vllm_takes_adapter(name, next->path);
  return Change{std::move(call),
                [this, adapter = *next, name](bool done) {
                  unanswered_ = 0;
                  note(adapter, name, done ? There::yes : There::no);
                  return done ? "" : fmt::format("adapter {}: the engine does not take it", adapter.path);
                },
                [this, adapter = *next, name] {
                  const bool again = ++unanswered_ < unanswered_max;
                  note(adapter, name, again ? There::perhaps : There::no);
                  return again ? ""
                               : fmt::format("adapter {}: the engine does not say whether it takes it", adapter.path);
                }};
}

std::vector<rpc::EngineAdapter> VllmDriver::adapters() const {
  std::vector<rpc::EngineAdapter> all;
  for (const Given& one : given_)
    if (one.there == There::yes && has(adapters_, one.adapter)) all.push_back({one.adapter.name, one.upstream_model});
  return all;
}

Patience VllmDriver::patience(Patience patience) const {
  patience.start_silent_max = patience.start_max;
  return patience;
}

EnginePlace VllmDriver::place(const EngineFolders& folders, const std::string& name) const {
  constexpr std::size_t name_chars = 10;  // no longer in all than a socket beside the others
  const auto folder = folders.sockets + "/" + name.substr(name.size() - std::min(name.size(), name_chars));
  return {folder, folder + "/v.sock", true, for_processors_ ? "" : folders.compiled};
}

Expected<engines::Command> VllmDriver::prepare(const EnginePlace& place, const EngineFolders& folders) {
  begun_with_ = adapters_;
  given_.clear();
  unanswered_ = 0;
  if (!place.compiled.empty())
    if (auto made = use_compiled(place.compiled); !made) return std::unexpected(made.error());
  std::ofstream hook(place.folder + "/sitecustomize.py");
  hook << engines::vllm_sitecustomize() << std::flush;
  if (!hook)
    return fail(Errc::io, fmt::format("folder {}: {}", place.folder, std::strerror(errno)),
                "make room on the disk of the data folder");
  return engines::vllm_server_command(
      model_, folder_, {place.folder, place.socket, for_processors_, folders.gpu_bytes, can_sleep(), place.compiled},
      folders.environment);
}

Reach VllmDriver::reach(const EnginePlace& place) const {
  const auto home = home_of(model_.vllm);
  // Locks between its processes are files in /dev/shm. Of /proc names alone, for lscpu; on a GPU all that is
  // in it (gpu_process.hpp).
  Reach reach{{home.string()}, {model_.folder}, {place.folder, "/dev/shm"}, {"/proc"}};
  if (!place.compiled.empty()) reach.writes.push_back(place.compiled);
  if (const auto base = base_of(home); !base.empty() && base != "/") reach.runs.push_back(base);
  reach.reads.insert(reach.reads.end(), folder_.elsewhere.begin(), folder_.elsewhere.end());
  if (!model_.chat_template_file.empty()) reach.reads.push_back(model_.chat_template_file);
  for (const engines::AdapterSettings& adapter : adapters_) reach.reads.push_back(adapter.path);
  if (!model_.adapters_folder.empty()) reach.reads.push_back(model_.adapters_folder);
  return reach;
}

// 200 alone says little (vllm#47654): whether it sleeps is asked, which passes through the loop that makes tokens also
// while it sleeps. And of weights that it could not read again it only warns, and answers with what lies in its memory:
// it has to answer as before.
std::vector<Question> VllmDriver::questions(ProbeKind kind) {
  constexpr Duration compiles_within = 30s;  // the first answer: what it needs is compiled then
  const auto call = [](const char* target, const char* body = "") { return Question{"POST", target, body}; };
  const auto token = [&] {
    Question question{"POST", "/v1/completions", engines::vllm_question(model_)};
    question.within_least = compiles_within;
    return question;
  };
  const auto sample = [&](auto satisfied_by) {
    Question question{"POST", "/v1/completions", engines::vllm_sample_question(model_)};
    question.within_least = compiles_within;
    question.satisfied_by = satisfied_by;
    return question;
  };
  const auto sleeps = [](bool sleeps) {
    Question question{"GET", "/is_sleeping", ""};
    question.satisfied_by = [sleeps](std::string_view answer) { return engines::vllm_sleeps(answer) == sleeps; };
    return question;
  };
  switch (kind) {
    case ProbeKind::health:
      return {{"GET", "/health", ""}, token()};
    case ProbeKind::work:
      return {token()};
    case ProbeKind::sleep:
      // Level 1: the weights are kept in the host's memory. Nothing of ours runs any more; `wait` because by default
      // whatever still does, our own question too, would be broken off.
      return {call("/sleep?level=1&mode=wait"), sleeps(true)};
    case ProbeKind::forget:
      return {sample([this](std::string_view answer) {
                sample_ = engines::vllm_sample(answer);
                return !sample_.empty();
              }),
              call("/sleep?level=2&mode=wait"), sleeps(true)};
    case ProbeKind::asleep:
      return {sleeps(true)};
    case ProbeKind::wake:
      return {call("/wake_up"), sleeps(false), token()};
    case ProbeKind::reload:
      // Room for its weights, these, and only then for keys and values: what reading takes beside them is free.
      return {call("/wake_up?tags=weights"), call("/collective_rpc", R"({"method":"reload_weights"})"),
              call("/wake_up?tags=kv_cache"), sleeps(false),
              sample([this](std::string_view answer) { return engines::vllm_sample(answer) == sample_; })};
  }
  return {};
}

std::uint64_t VllmDriver::memory_need() const {
  const auto need = engines::memory_need(model_, folder_);
  return need ? need->total() : 0;
}

std::uint32_t VllmDriver::context_tokens() const {
  return engines::context_tokens_per_place(model_, folder_.shape).value_or(0);
}

}  // namespace faelled::node
