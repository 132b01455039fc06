// Any bytes as a model's weights, as its config.json and as its index, and as those of an adapter: a summary whose
// numbers fit the file, or a refusal in words; and a need of memory for whatever was read.
#include <cstdlib>
#include <span>
#include <string>

#include "engines/adapters.hpp"
#include "engines/model_folder.hpp"
#include "engines/safetensors.hpp"
#include "engines/vllm_server.hpp"

namespace {

using namespace faelled;
using namespace faelled::engines;

template <class T>
const T* read(const Expected<T>& result) {
  if (!result && (result.error().message.empty() || result.error().hint.empty())) std::abort();
  return result ? &*result : nullptr;
}

void as_weights(const std::string& bytes, json::Document& document) {
  const auto prefix = std::as_bytes(std::span(bytes)).first(std::min(bytes.size(), safetensors_prefix_bytes));
  const auto end = safetensors_header_end(prefix, bytes.size(), "file");
  if (!read(end)) return;
  if (*end > bytes.size()) std::abort();
  const std::string header = bytes.substr(safetensors_prefix_bytes, *end - safetensors_prefix_bytes);
  const auto summary = read_safetensors(header, bytes.size(), "file", document);
  if (const auto* good = read(summary); good && (good->tensors.empty() || *end + good->data_bytes != bytes.size()))
    std::abort();
}

// As a header alone, before a file of each size that it may be of.
void as_header(const std::string& header, json::Document& document) {
  for (const std::uint64_t data : {std::uint64_t{0}, std::uint64_t{16}, ~std::uint64_t{0} / 2}) {
    const auto file_bytes = safetensors_prefix_bytes + header.size() + data;
    const auto summary = read_safetensors(header, file_bytes, "file", document);
    const auto* good = read(summary);
    if (good && (good->data_bytes != data || good->shapes.size() != good->tensors.size())) std::abort();
    if (const auto fits = good ? adapter_fits(*good, true, *good, 8, "file") : Expected<void>{}; !fits)
      if (fits.error().message.empty() || fits.error().hint.empty()) std::abort();
  }
}

void as_folder(const std::string& text, json::Document& document) {
  if (const auto shape = read_model_shape(text, "file", document); read(shape)) {
    ModelSettings model;
    model.id = "m";
    ModelFolder folder{*shape, text.size(), true, {}};
    const auto need = memory_need(model, folder);
    if (shape->layers == 0 || !need || need->kv_cache == 0 || need->total() <= text.size()) std::abort();
    read(vllm_server_command(model, folder, {"/f", "/f/v.sock"}));
  }
  const auto rank = adapter_rank(text, "file", document);
  if (read(rank) && (*rank == 0 || *rank > 1'000'000)) std::abort();
  if (const auto shards = read_shards(text, "file", document); read(shards)) {
    for (const Shard& shard : *shards)
      if (shard.file.find('/') != shard.file.npos || shard.file.starts_with('.') || shard.tensors.empty()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  const std::string text(reinterpret_cast<const char*>(data), bytes);  // exactly its size, so that ASan sees overreads
  json::Document document;
  as_weights(text, document);
  as_header(text, document);
  as_folder(text, document);
  return 0;
}
