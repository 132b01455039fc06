#include "node/llama_driver.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "engines/llama_server.hpp"
#include "engines/memory_need.hpp"

namespace faelled::node {

std::function<Expected<Driver::Found>()> LlamaDriver::look() {
  return [this, model = model_]() -> Expected<Found> {
    auto file = engines::read_gguf_file(model.file);
    if (!file) return std::unexpected(file.error());
    if (auto command = engines::llama_server_command(model, *file, "/any.sock"); !command)
      return std::unexpected(command.error());
    if (auto readable = look_at_template(model); !readable) return std::unexpected(readable.error());
    if (engines::lacks_template(model, file->chat_template)) {
      return fail(Errc::invalid, fmt::format("model {}: {} has no chat template of its own", model.id, model.file),
                  "name one in chat_template_file");
    }
    auto adapters = engines::look_at_adapters(model);
    if (!adapters) return std::unexpected(adapters.error());
    return [this, model, file = *file, adapters = *adapters] {
      file_ = file;
      without_ = in_words(model, adapters);
      adapters_ = adapters.usable;
      adapter_bytes_ = adapters.bytes;
    };
  };
}

// Each by its number: see engines/dialect.hpp.
std::vector<rpc::EngineAdapter> LlamaDriver::adapters() const {
  std::vector<rpc::EngineAdapter> all;
  for (const engines::AdapterSettings& adapter : adapters_) all.push_back({adapter.name, {}});
  return all;
}

EnginePlace LlamaDriver::place(const EngineFolders& folders, const std::string& name) const {
  return {folders.sockets, fmt::format("{}/{}.sock", folders.sockets, name)};
}

Expected<engines::Command> LlamaDriver::prepare(const EnginePlace& place, const EngineFolders& folders) {
  engines::ModelSettings model = model_;
  model.adapters = adapters_;
  return engines::llama_server_command(model, file_, place.socket, folders.environment);
}

Reach LlamaDriver::reach(const EnginePlace& place) const {
  Reach reach{{std::filesystem::path(model_.llama_server).parent_path().string()}, {model_.file}, {place.folder}};
  if (!model_.chat_template_file.empty()) reach.reads.push_back(model_.chat_template_file);
  for (const engines::AdapterSettings& adapter : adapters_) reach.reads.push_back(adapter.path);
  return reach;
}

// llama-server ignores tools where the chat template has no words for them, tool_choice "required" too; whether it has,
// it says at /props.
std::vector<Question> LlamaDriver::questions(ProbeKind kind) {
  constexpr std::size_t props_bytes_max = 4 * 1024 * 1024;  // it holds the template
  if (kind == ProbeKind::work) return {{"GET", "/slots", ""}};
  std::vector<Question> all{{"GET", "/health", ""}};
  if (model_.embeddings || model_.rerank) return all;
  Question props{"GET", "/props", "", props_bytes_max};
  props.satisfied_by = [this](std::string_view answer) {
    const auto tools = engines::template_knows_tools(answer);
    if (tools) tools_ = *tools;
    return tools.has_value();
  };
  all.push_back(std::move(props));
  return all;
}

std::uint64_t LlamaDriver::memory_need() const {
  const auto need = engines::memory_need(model_, file_);
  return need ? need->total() + adapter_bytes_ : 0;
}

std::uint32_t LlamaDriver::context_tokens() const {
  return engines::context_tokens_per_place(model_, file_).value_or(0);
}

}  // namespace faelled::node
