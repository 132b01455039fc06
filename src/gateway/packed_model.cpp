#include "gateway/packed_model.hpp"

#include <algorithm>
#include <concepts>
#include <cstring>
#include <utility>

#include "base/check.hpp"

namespace faelled::gateway {
namespace {

// What stands at the front, so that it is found without unpacking.
struct Head {
  std::uint32_t version = 0;
  std::uint32_t bytes = 0;  // of what follows the head and the id
  std::uint32_t places = 0;
  std::uint16_t id_bytes = 0;
  std::uint8_t llama_server : 7 = 0;  // numbers of programs
  std::uint8_t for_some : 1 = 0;
  std::uint8_t vllm : 7 = 0;
  std::uint8_t other_names : 1 = 0;
};

// One function says which parts a model has, for both ways: a part that is added and forgotten here does not compile.
template <class Parts, class Settings>
void each_setting(Parts& parts, Settings& of) {
  auto& [id, name, kind, places, context_tokens, embeddings, rerank, shorter_vectors, demo, stop, pinned, file,
         llama_server, source, sha256, folder, tool_parser, vllm, adapters_max, adapters_rank, adapters_folder, copies,
         gpu, threads, chat_template_file, adapters, url, upstream_model, ca_file, certificate_file, key_file,
         api_key] = of;
  (void)id, (void)places, (void)llama_server, (void)vllm;  // the head has them
  parts(name), parts(kind), parts(context_tokens), parts(embeddings), parts(rerank), parts(shorter_vectors);
  parts(demo), parts(stop), parts(pinned), parts(file), parts(source), parts(sha256), parts(folder);
  parts(tool_parser), parts(adapters_max), parts(adapters_rank), parts(adapters_folder), parts(copies), parts(gpu);
  parts(threads);
  parts(chat_template_file), parts(adapters), parts(url), parts(upstream_model), parts(ca_file);
  parts(certificate_file), parts(key_file), parts(api_key);
}

template <class Parts, class Model>
void each_part(Parts& parts, Model& of) {
  auto& [settings, adapters, aliases, has_card, da, en, members, version] = of;
  each_setting(parts, settings);
  (void)version;
  parts(adapters), parts(aliases), parts(has_card), parts(da), parts(en), parts(members);
}

template <class Parts, class Text>
void each_text(Parts& parts, Text& of) {
  auto& [summary, good_for, where] = of;
  parts(summary), parts(good_for), parts(where);
}

template <class Parts, class Of>
void each_of_alias(Parts& parts, Of& of) {
  auto& [name, lane, listed] = of;
  parts(name), parts(lane), parts(listed);
}

template <class Parts, class Of>
void each_of_adapter(Parts& parts, Of& of) {
  auto& [id, name, members, aliases, has_card, da, en] = of;
  parts(id), parts(name), parts(members), parts(aliases), parts(has_card), parts(da), parts(en);
}

template <class Parts, class Of>
void each_of_settings(Parts& parts, Of& of) {
  auto& [name, path] = of;
  parts(name), parts(path);
}

// A number in as many bytes as it needs, seven bits in each; all else is made of numbers and texts. Most parts of a
// model are nothing: runs of these are counted.
class Writer {
 public:
  // All that was written; what nothing follows but nothing is left out.
  std::string done() && { return std::move(out_); }

  void number(std::uint64_t value) {
    if (value == 0) return void(++nothings_);
    if (const std::uint64_t run = std::exchange(nothings_, 0); run > 0) {
      out_ += '\0';
      write(run);
    }
    write(value);
  }
  template <class T>
    requires std::integral<T> || std::is_enum_v<T>
  void operator()(const T& value) {
    number(static_cast<std::uint64_t>(value));
  }
  void operator()(const std::string& text) {
    number(text.size());
    out_ += text;
  }
  template <class T>
  void operator()(const std::vector<T>& all) {
    number(all.size());
    for (const T& one : all) (*this)(one);
  }
  void operator()(const CardText& text) { each_text(*this, text); }
  void operator()(const Alias& alias) { each_of_alias(*this, alias); }
  void operator()(const CatalogueAdapter& adapter) { each_of_adapter(*this, adapter); }
  void operator()(const engines::AdapterSettings& adapter) { each_of_settings(*this, adapter); }

 private:
  void write(std::uint64_t value) {
    for (; value > 0x7f; value >>= 7) out_ += static_cast<char>(0x80 | (value & 0x7f));
    out_ += static_cast<char>(value);
  }

  std::string out_;
  std::uint64_t nothings_ = 0;  // not written yet
};

class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}

  std::uint64_t number() {
    if (nothings_ == 0 && at_ < in_.size()) {
      if (const std::uint64_t value = read(); value != 0) return value;
      nothings_ = read();
    }
    if (nothings_ > 0) --nothings_;
    return 0;
  }
  template <class T>
    requires std::integral<T> || std::is_enum_v<T>
  void operator()(T& value) {
    value = static_cast<T>(number());
  }
  std::string_view text() {
    const auto size = static_cast<std::size_t>(number());
    const std::string_view text = in_.substr(at_, size);
    at_ += size;
    return text;
  }
  void operator()(std::string& into) { into = text(); }
  template <class T>
  void operator()(std::vector<T>& all) {
    const auto size = static_cast<std::size_t>(number());
    all.resize(size);
    for (T& one : all) (*this)(one);
  }
  void operator()(CardText& text) { each_text(*this, text); }
  void operator()(Alias& alias) { each_of_alias(*this, alias); }
  void operator()(CatalogueAdapter& adapter) { each_of_adapter(*this, adapter); }
  void operator()(engines::AdapterSettings& adapter) { each_of_settings(*this, adapter); }

 private:
  std::uint64_t read() {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(in_[at_++]);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) return value;
    }
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::uint64_t nothings_ = 0;  // that come next
};

Head head_of(const char* bytes) {
  Head head;
  std::memcpy(&head, bytes, sizeof head);
  return head;
}

std::uint8_t number_of(const std::string& program, std::vector<std::string>& programs) {
  const auto found = std::ranges::find(programs, program);
  const auto number = static_cast<std::size_t>(found - programs.begin());
  FAELLED_CHECK(number <= INT8_MAX, "the configuration names one program of each kind");
  if (found == programs.end()) programs.push_back(program);
  return static_cast<std::uint8_t>(number);
}

}  // namespace

PackedModel::PackedModel(const CatalogueModel& model, std::vector<std::string>& programs) {
  const engines::ModelSettings& settings = model.settings;
  Writer writer;
  each_part(writer, model);
  const std::string rest = std::move(writer).done();
  FAELLED_CHECK(settings.id.size() <= UINT16_MAX, "an id has a bound");
  FAELLED_CHECK(model.version <= UINT32_MAX, "it counts acts of people");
  Head head;
  head.bytes = static_cast<std::uint32_t>(rest.size());
  head.version = static_cast<std::uint32_t>(model.version);
  head.places = settings.places;
  head.id_bytes = static_cast<std::uint16_t>(settings.id.size());
  head.llama_server = number_of(settings.llama_server, programs) & 0x7fU;
  head.vllm = number_of(settings.vllm, programs) & 0x7fU;
  head.other_names = !model.aliases.empty() || !model.adapters.empty() ? 1 : 0;
  head.for_some = model.members.empty() ? 0 : 1;
  bytes_ = std::make_unique_for_overwrite<char[]>(sizeof head + settings.id.size() + rest.size());
  std::memcpy(bytes_.get(), &head, sizeof head);
  char* after = std::ranges::copy(settings.id, bytes_.get() + sizeof head).out;
  std::ranges::copy(rest, after);
}

CatalogueModel PackedModel::unpacked(const std::vector<std::string>& programs) const {
  const Head head = head_of(bytes_.get());
  CatalogueModel model;
  Reader rest({bytes_.get() + sizeof head + head.id_bytes, head.bytes});
  each_part(rest, model);
  model.version = head.version;
  model.settings.id = id();
  model.settings.places = head.places;
  model.settings.llama_server = programs[head.llama_server];
  model.settings.vllm = programs[head.vllm];
  return model;
}

std::string_view PackedModel::id() const { return {bytes_.get() + sizeof(Head), head_of(bytes_.get()).id_bytes}; }
// The first of the parts.
std::string_view PackedModel::name() const {
  const Head head = head_of(bytes_.get());
  return Reader({bytes_.get() + sizeof head + head.id_bytes, head.bytes}).text();
}
std::uint64_t PackedModel::version() const { return head_of(bytes_.get()).version; }
std::uint32_t PackedModel::places() const { return head_of(bytes_.get()).places; }
bool PackedModel::has_other_names() const { return head_of(bytes_.get()).other_names != 0; }
bool PackedModel::for_some() const { return head_of(bytes_.get()).for_some != 0; }

}  // namespace faelled::gateway
