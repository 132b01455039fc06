#include "model_look.hpp"

#include <unistd.h>

#include <filesystem>

#include "base/byte_text.hpp"
#include "engines/adapters.hpp"
#include "engines/gguf.hpp"
#include "engines/llama_server.hpp"
#include "engines/vllm_server.hpp"

namespace faelled::app {
namespace {

using Looked = std::expected<engines::MemoryNeed, portal::WrongDefinition>;

Looked wrong(std::string key, const Error& error) {
  return std::unexpected(portal::WrongDefinition{std::move(key), error.message + "; " + error.hint});
}

Looked need_of_file(const engines::ModelSettings& settings, const char* where, const auto& file) {
  if (engines::lacks_template(settings, file.chat_template))
    return wrong("definition.chat_template_file",
                 {Errc::invalid, "the model has no chat template of its own", "name one in chat_template_file"});
  const auto adapters = engines::look_at_adapters(settings);
  if (!adapters) return wrong(where, adapters.error());
  if (!adapters->wrong.empty()) return wrong("definition.adapters", adapters->wrong.front().error);
  auto need = engines::memory_need(settings, file);
  if (!need) return wrong(where, need.error());
  need->weights += adapters->bytes;
  return *need;
}

// What the definition says of the file.
const char* key_of(const engines::ModelSettings& settings) {
  return settings.source.empty() ? "definition.file" : "definition.source";
}

Looked looked_at_gguf(const engines::ModelSettings& settings, const Expected<engines::GgufSummary>& file) {
  if (!file) return wrong(key_of(settings), file.error());
  if (const auto context = engines::context_tokens_per_place(settings, *file); !context)
    return wrong("definition.context_tokens", context.error());
  if (const auto command = engines::llama_server_command(settings, *file, "/any.sock", {}); !command)
    return wrong("definition", command.error());
  return need_of_file(settings, key_of(settings), *file);
}

// A file at its source.
class FarFile final : public engines::ByteSource {
 public:
  FarFile(fetch::Peek& peek, std::uint64_t bytes) : peek_(peek), bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_; }
  std::size_t read(std::uint64_t offset, std::span<std::byte> out) override {
    const std::size_t there = offset < bytes_ ? std::min<std::uint64_t>(out.size(), bytes_ - offset) : 0;
    const std::size_t n = peek_.read(offset, out.first(there));
    gave_less_ = gave_less_ || n < there;
    return n;
  }
  bool gave_less() const { return gave_less_; }  // its server, so that nothing follows from what was read

 private:
  fetch::Peek& peek_;
  std::uint64_t bytes_;
  bool gave_less_ = false;
};

}  // namespace

Looked looked_at(const engines::ModelSettings& settings) {
  if (settings.kind == engines::EngineKind::vllm) {
    const auto folder = engines::read_model_folder(settings.folder);
    if (!folder) return wrong("definition.folder", folder.error());
    if (const auto there = engines::look_at_adapters_folder(settings); !there)
      return wrong("definition.adapters_folder", there.error());
    if (const auto context = engines::context_tokens_per_place(settings, folder->shape); !context)
      return wrong("definition.context_tokens", context.error());
    return need_of_file(settings, "definition.folder", *folder);
  }
  return looked_at_gguf(settings, engines::read_gguf_file(settings.file));
}

bool is_away(const engines::ModelSettings& settings) {
  return !settings.source.empty() && (settings.file.empty() || ::access(settings.file.c_str(), R_OK) != 0);
}

fetch::Order order_of(const engines::ModelSettings& settings) {
  return {fetch::parse_source(settings.source).value(), crypto::from_hex(settings.sha256)};
}

portal::ModelFit fit_of(const engines::ModelSettings& settings, const engines::MemoryNeed& need, std::uint64_t memory) {
  portal::ModelFit fit{need.weights, need.kv_cache, need.working, memory, {}};
  if (settings.gpu && memory == 0)
    fit.why_not = "it is to lie on a GPU, and this server has none";
  else if (need.total() > memory)
    fit.why_not = "it needs " + byte_text(need.total(), Rounded::up) + " of memory, and there are " +
                  byte_text(memory, Rounded::down) + " for models";
  return fit;
}

portal::ModelFit looked_at_source(engines::ModelSettings settings, const fetch::Settings& how,
                                  const std::atomic<bool>& stop, std::uint64_t memory) {
  portal::ModelFit fit;
  fit.memory = memory;
  const fetch::Order order = order_of(settings);
  const auto found = fetch::look_at(order, how, stop);
  if (!found) {
    const bool hash = found.error().fault == fetch::Fault::wrong || found.error().fault == fetch::Fault::no_hash;
    fit.wrong = portal::WrongDefinition{hash ? "definition.sha256" : "definition.source", found.error().in_words()};
    return fit;
  }
  const auto file = fetch::Depot(how.folder).find(found->sha256);
  const portal::FileOffer offer{file.has_value(), found->bytes, crypto::hex(found->sha256), found->why_no_room};
  Looked need = std::unexpected(portal::WrongDefinition{});
  if (file) {
    settings.file = file->string();
    need = looked_at(settings);
  } else {
    fetch::Peek peek(order, how, stop);
    FarFile far(peek, found->bytes);
    const auto summary = engines::read_gguf(far, order.source.text);
    if (summary || !far.gave_less()) need = looked_at_gguf(settings, summary);
  }
  if (need) {
    fit = fit_of(settings, *need, memory);
  } else if (!need.error().key.empty()) {
    fit.wrong = need.error();
  }
  fit.offer = offer;
  return fit;
}

}  // namespace faelled::app
