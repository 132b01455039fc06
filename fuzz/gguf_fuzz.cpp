// Any bytes as a GGUF file, as its header alone before a file of any size, and as an adapter of what a plain model is:
// a summary whose numbers fit the file and a need of memory, or a refusal in words.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <span>

#include "engines/adapters.hpp"
#include "engines/gguf.hpp"
#include "engines/memory_need.hpp"

namespace {

using namespace faelled;
using namespace faelled::engines;

using Bytes = std::span<const std::byte>;

template <class T>
void judge(const Expected<T>& result) {
  if (!result && (result.error().message.empty() || result.error().hint.empty())) std::abort();
}

template <class T>
const T* read(const Expected<T>& result) {
  judge(result);
  return result ? &*result : nullptr;
}

// A file of which only the beginning can be read, as on a disk that fails, or while it is cut.
class Beginning final : public ByteSource {
 public:
  Beginning(Bytes bytes, std::uint64_t size) : bytes_(bytes), size_(size) {}
  std::uint64_t size() const override { return size_; }
  std::size_t read(std::uint64_t offset, std::span<std::byte> out) override {
    if (offset >= bytes_.size()) return 0;
    const auto there = std::min<std::uint64_t>(out.size(), bytes_.size() - offset);
    std::memcpy(out.data(), bytes_.data() + offset, there);
    return there;
  }

 private:
  Bytes bytes_;
  std::uint64_t size_;
};

void as_model(const Expected<GgufSummary>& summary, std::uint64_t file_bytes) {
  const auto* good = read(summary);
  if (!good) return;
  if (good->weight_bytes > file_bytes || good->architecture.empty()) std::abort();
  ModelSettings model;
  model.id = "m";
  const auto need = memory_need(model, *good);
  if (const auto* bytes = read(need); bytes && bytes->total() < good->weight_bytes) std::abort();
}

void as_adapter(Bytes bytes) {
  GgufDetails details;
  const auto summary = read_gguf(bytes, "file", &details);
  const auto* good = read(summary);
  if (!good) return;
  if (details.tensors.size() != good->tensors) std::abort();
  GgufSummary model = *good;
  GgufDetails of_model;
  of_model.type = "model";
  of_model.tensors = {{"blk.0.attn_q.weight", {64, 64}}, {"output.weight", {64, 3}}};
  judge(adapter_fits(model, of_model, *good, details, "file"));
  judge(adapter_fits(model, details, *good, details, "file"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  as_model(read_gguf(bytes, "file"), size);
  for (const unsigned bits : {0U, 12U, 62U}) {
    const auto more = std::uint64_t{1} << bits;
    Beginning source(bytes, size + more);
    as_model(read_gguf(source, "file"), size + more);
  }
  as_adapter(bytes);
  return 0;
}
