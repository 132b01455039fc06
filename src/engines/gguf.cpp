#include "engines/gguf.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "base/byte_text.hpp"
#include "base/limits.hpp"

namespace faelled::engines {

namespace {

enum ValueType : std::uint32_t {
  uint32_value = 4,
  int32_value = 5,
  float32_value = 6,
  string_value = 8,
  array_value = 9,
  types_end = 13
};
// Bytes of a value by its type; 0: string or array, whose size is in the value.
constexpr std::array<std::uint64_t, types_end> value_bytes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

struct TensorType {
  std::uint64_t block_values = 0;  // 0: a type this table does not know
  std::uint64_t block_bytes = 0;
};

// By ggml's type number. Types that are newer than this table are not measured, only placed.
constexpr auto tensor_types = [] {
  std::array<TensorType, 40> t{};
  t[0] = {1, 4}, t[1] = {1, 2}, t[2] = {32, 18}, t[3] = {32, 20}, t[6] = {32, 22}, t[7] = {32, 24}, t[8] = {32, 34};
  t[9] = {32, 36}, t[10] = {256, 84}, t[11] = {256, 110}, t[12] = {256, 144}, t[13] = {256, 176}, t[14] = {256, 210};
  t[15] = {256, 292}, t[16] = {256, 66}, t[17] = {256, 74}, t[18] = {256, 98}, t[19] = {256, 50}, t[20] = {32, 18};
  t[21] = {256, 110}, t[22] = {256, 82}, t[23] = {256, 136}, t[24] = {1, 1}, t[25] = {1, 2}, t[26] = {1, 4};
  t[27] = {1, 8}, t[28] = {1, 8}, t[29] = {256, 56}, t[30] = {1, 2}, t[34] = {256, 54}, t[35] = {256, 66};
  t[39] = {32, 17};
  return t;
}();

class SpanSource final : public ByteSource {
 public:
  explicit SpanSource(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  std::size_t read(std::uint64_t offset, std::span<std::byte> out) override {
    if (offset >= bytes_.size()) return 0;
    auto n = std::min(out.size(), bytes_.size() - static_cast<std::size_t>(offset));
    std::memcpy(out.data(), bytes_.data() + offset, n);
    return n;
  }

 private:
  std::span<const std::byte> bytes_;
};

class FileSource final : public ByteSource {
 public:
  FileSource(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  ~FileSource() override { ::close(fd_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  std::uint64_t size() const override { return size_; }
  std::size_t read(std::uint64_t offset, std::span<std::byte> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      auto n = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

 private:
  int fd_;
  std::uint64_t size_;
};

// Reads forward through the header; after the first failure everything reads as zero and `broken()` says so.
class Cursor {
 public:
  explicit Cursor(ByteSource& source) : source_(source), window_(window_bytes) {}

  bool broken() const { return broken_; }
  bool too_long() const { return too_long_; }  // and therefore broken
  std::uint64_t at() const { return at_; }
  std::uint64_t left() const { return source_.size() - at_; }

  void skip(std::uint64_t bytes) {
    if (bytes > left()) broken_ = true;
    if (!broken_ && at_ + bytes > limits::gguf_header_bytes_max) broken_ = too_long_ = true;
    if (!broken_) at_ += bytes;
  }

  template <class T>
  T number() {
    T value{};
    if (take(sizeof value)) std::memcpy(&value, window_.data() + (at_ - sizeof value - window_at_), sizeof value);
    return value;
  }

  // Of an array at the cursor, which stays where it is.
  std::uint64_t peek_count() {
    const auto at = at_;
    skip(sizeof(std::uint32_t));
    const auto count = number<std::uint64_t>();
    if (!broken_) at_ = at;
    return broken_ ? 0 : count;
  }

  // A string's text if it is no longer than `keep_max`, else an empty one; the cursor stands after it either way.
  std::string text(std::size_t keep_max) {
    auto bytes = number<std::uint64_t>();
    if (bytes > keep_max || bytes > left()) {
      skip(bytes);
      return {};
    }
    std::string value(static_cast<std::size_t>(bytes), '\0');
    if (source_.read(at_, std::as_writable_bytes(std::span(value))) != bytes) broken_ = true;
    skip(bytes);
    return broken_ ? std::string{} : value;
  }

 private:
  static constexpr std::size_t window_bytes = 64 * 1024;

  bool take(std::size_t bytes) {
    auto start = at_;
    skip(bytes);
    if (broken_) return false;
    if (start < window_at_ || at_ > window_at_ + filled_) {
      window_at_ = start;
      filled_ = source_.read(start, window_);
      if (filled_ < bytes) broken_ = true;
    }
    return !broken_;
  }

  ByteSource& source_;
  std::vector<std::byte> window_;
  std::uint64_t window_at_ = 0;
  std::size_t filled_ = 0;
  std::uint64_t at_ = 0;
  bool broken_ = false;
  bool too_long_ = false;
};

std::unexpected<Error> refuse(const std::string& what, std::string_view why, std::string hint) {
  return fail(Errc::invalid, fmt::format("model file {}: {}", what, why), std::move(hint));
}

std::unexpected<Error> truncated(const std::string& what, std::uint64_t size) {
  return refuse(what, fmt::format("it ends too early, or is damaged ({} bytes)", size),
                "fetch the file again and compare its size and checksum with the source");
}

constexpr const char* another_source = "no model that is known has as much: take its file from another source";

std::unexpected<Error> cut_off(const std::string& what, const Cursor& in) {
  if (in.too_long())
    return refuse(what, fmt::format("its header is longer than {}", byte_text(limits::gguf_header_bytes_max)),
                  another_source);
  return truncated(what, in.at() + in.left());
}

// Where a number of the model's shape belongs; null: it is none of those that matter here.
std::uint32_t* shape_of(GgufSummary& summary, std::string_view key) {
  if (summary.architecture.empty() || !key.starts_with(summary.architecture)) return nullptr;
  key.remove_prefix(summary.architecture.size());
  if (key == ".block_count") return &summary.layers;
  if (key == ".embedding_length") return &summary.embedding;
  if (key == ".attention.head_count") return &summary.heads;
  if (key == ".attention.key_length") return &summary.key_length;
  if (key == ".attention.value_length") return &summary.value_length;
  return nullptr;
}

// False: not a value that GGUF knows. Values of a list are added to `values`.
bool skip_value(Cursor& in, std::uint32_t type, std::uint64_t& values) {
  if (type >= types_end) return false;
  if (value_bytes[type] != 0) {
    in.skip(value_bytes[type]);
  } else if (type == string_value) {
    in.skip(in.number<std::uint64_t>());
  } else {
    auto element = in.number<std::uint32_t>();
    auto count = in.number<std::uint64_t>();
    if (element >= types_end || element == array_value) return false;
    auto bytes_least = value_bytes[element] == 0 ? sizeof(std::uint64_t) : value_bytes[element];
    if (count > in.left() / bytes_least) {
      in.skip(in.left() + 1);
      return true;
    }
    values += count;
    if (values > limits::gguf_values_max) return true;  // refused by the caller
    if (value_bytes[element] != 0) {
      in.skip(count * value_bytes[element]);
    } else {
      for (std::uint64_t i = 0; i < count && !in.broken(); ++i) in.skip(in.number<std::uint64_t>());
    }
  }
  return true;
}

// A count, or one for each layer; summed over the layers where it is a list. False: neither.
bool read_counts(Cursor& in, std::uint32_t type, std::uint32_t& single, GgufSummary& summary) {
  constexpr std::uint64_t layers_max = 10'000;
  if (type == uint32_value || type == int32_value) {
    single = in.number<std::uint32_t>();
    return true;
  }
  if (type != array_value) return skip_value(in, type, summary.values);
  const auto element = in.number<std::uint32_t>();
  const auto count = in.number<std::uint64_t>();
  if ((element != uint32_value && element != int32_value) || count > layers_max) return false;
  for (std::uint64_t i = 0; i < count && !in.broken(); ++i) summary.kv_heads += in.number<std::uint32_t>();
  summary.values += count;
  return true;
}

// What a pair of an adapter tells; the value is read or skipped by the caller. llama.cpp ends itself where a type is
// not the one that it expects; adapters that begin in the middle of a prompt share a cache with the model.
bool strange_pair(std::string_view key, std::uint32_t type) {
  if (key == "general.type" || key == "general.architecture" || key == "adapter.type") return type != string_value;
  if (key == "adapter.lora.alpha") return type != float32_value;
  return key == "adapter.alora.invocation_tokens";
}

// Reads one tensor's description; the end of its data after the start of all data, or nothing if that cannot be.
std::optional<std::uint64_t> tensor_end(Cursor& in, GgufDetails* details) {
  constexpr std::size_t name_bytes_max = 128;  // llama.cpp takes 63
  GgufTensor tensor;
  if (details != nullptr) {
    tensor.name = in.text(name_bytes_max);
  } else {
    in.skip(in.number<std::uint64_t>());
  }
  auto dimensions = in.number<std::uint32_t>();
  if (dimensions > 8) return std::nullopt;
  std::uint64_t values = 1;
  for (std::uint32_t d = 0; d < dimensions; ++d) {
    const auto size = in.number<std::uint64_t>();
    if (details != nullptr) tensor.sizes.push_back(size);
    if (__builtin_mul_overflow(values, size, &values)) return std::nullopt;
  }
  if (details != nullptr) details->tensors.push_back(std::move(tensor));
  auto type = in.number<std::uint32_t>();
  auto end = in.number<std::uint64_t>();
  if (type < tensor_types.size() && tensor_types[type].block_values != 0) {
    std::uint64_t bytes = 0;
    if (__builtin_mul_overflow(values / tensor_types[type].block_values, tensor_types[type].block_bytes, &bytes) ||
        __builtin_add_overflow(end, bytes, &end)) {
      return std::nullopt;
    }
  }
  return end;
}

}  // namespace

Expected<GgufSummary> read_gguf(ByteSource& source, const std::string& what, GgufDetails* details) {
  Cursor in(source);
  GgufDetails unasked;
  GgufDetails& told = details != nullptr ? *details : unasked;
  std::array<char, 4> magic{};
  for (auto& c : magic) c = in.number<char>();
  if (in.broken() || std::string_view(magic.data(), magic.size()) != "GGUF") {
    return refuse(what, "it is not a GGUF file",
                  "name a file that ends in .gguf; other formats must be converted first");
  }
  GgufSummary summary;
  summary.version = in.number<std::uint32_t>();
  if (in.broken()) return cut_off(what, in);
  if (summary.version != 2 && summary.version != 3) {
    return refuse(what, fmt::format("GGUF version {} is not known here", summary.version),
                  "take a little-endian file of version 2 or 3");
  }
  summary.tensors = in.number<std::uint64_t>();
  summary.pairs = in.number<std::uint64_t>();
  if (summary.tensors > limits::gguf_tensors_max || summary.pairs > limits::gguf_pairs_max) {
    return refuse(what, "its header counts more parts than any model has", "fetch the file again");
  }

  std::uint64_t alignment = 32;
  std::uint32_t kv_heads_each = 0;
  for (std::uint64_t i = 0; i < summary.pairs; ++i) {
    auto key = in.text(limits::gguf_text_bytes_max);
    auto type = in.number<std::uint32_t>();
    if (in.broken()) return cut_off(what, in);
    told.strange_adapter |= strange_pair(key, type);
    if (type == string_value && (key == "general.type" || key == "adapter.type")) {
      (key == "general.type" ? told.type : told.adapter_type) = in.text(limits::gguf_text_bytes_max);
    } else if (type == string_value && (key == "general.architecture" || key == "general.name")) {
      (key == "general.name" ? summary.name : summary.architecture) = in.text(limits::gguf_text_bytes_max);
    } else if (type == uint32_value && key == "general.alignment") {
      alignment = in.number<std::uint32_t>();
    } else if (type == uint32_value && key.ends_with(".context_length") &&
               key == summary.architecture + ".context_length") {
      summary.context_tokens = in.number<std::uint32_t>();
    } else if (type == uint32_value && shape_of(summary, key) != nullptr) {
      *shape_of(summary, key) = in.number<std::uint32_t>();
    } else if (key == summary.architecture + ".attention.head_count_kv") {
      if (!read_counts(in, type, kv_heads_each, summary))
        return refuse(what, "its header counts heads as no model does", "fetch it again");
    } else if (type == array_value && key == "tokenizer.ggml.tokens") {
      summary.vocabulary = in.peek_count();
      if (!skip_value(in, type, summary.values))
        return refuse(what, "its header holds a value that GGUF does not know", "fetch it again");
    } else {
      summary.chat_template |= type == string_value && key == "tokenizer.chat_template";
      summary.pooling |= key.ends_with(".pooling_type");
      if (!skip_value(in, type, summary.values))
        return refuse(what, "its header holds a value that GGUF does not know", "fetch it again");
    }
    if (in.broken()) return cut_off(what, in);
    if (summary.values > limits::gguf_values_max)
      return refuse(what, fmt::format("its header lists more than {} values", limits::gguf_values_max), another_source);
  }
  if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > limits::gguf_header_bytes_max) {
    return refuse(what, "its alignment is not a power of two", "fetch the file again");
  }
  if (details == nullptr && told.type == "adapter") {
    return refuse(what, "it is an adapter, and no model",
                  "name the model's own GGUF file, and this one under `adapters`");
  }
  if (summary.architecture.empty() || summary.tensors == 0) {
    return refuse(what, "it holds no model (a vocabulary or an adapter alone?)", "name the model's own GGUF file");
  }

  if (kv_heads_each != 0) summary.kv_heads = std::uint64_t{kv_heads_each} * summary.layers;

  std::uint64_t data_bytes = 0;
  for (std::uint64_t i = 0; i < summary.tensors; ++i) {
    auto end = tensor_end(in, details);
    if (in.broken()) return cut_off(what, in);
    if (!end) return refuse(what, "a tensor in it cannot be that large", "fetch the file again");
    data_bytes = std::max(data_bytes, *end);
  }
  summary.header_bytes = in.at();
  auto data_start = (in.at() + alignment - 1) / alignment * alignment;
  if (data_start > source.size() || data_bytes > source.size() - data_start) return truncated(what, source.size());
  summary.weight_bytes = source.size() - data_start;
  return summary;
}

Expected<GgufSummary> read_gguf(std::span<const std::byte> bytes, const std::string& what, GgufDetails* details) {
  SpanSource source(bytes);
  return read_gguf(source, what, details);
}

Expected<GgufSummary> read_gguf_file(const std::string& path, GgufDetails* details) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    auto gone = errno == ENOENT || errno == ENOTDIR;
    return fail(gone ? Errc::not_found : Errc::io, fmt::format("model file {}: {}", path, std::strerror(errno)),
                gone ? "fetch the model, or correct `file`" : "give the server's user the right to read it");
  }
  struct stat info{};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return refuse(path, "it is not a file", "name the GGUF file itself, not its folder");
  }
  FileSource source(fd, static_cast<std::uint64_t>(info.st_size));
  return read_gguf(source, path, details);
}

}  // namespace faelled::engines
