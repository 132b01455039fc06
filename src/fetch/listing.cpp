#include "fetch/listing.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <tuple>

#include "base/limits.hpp"

namespace faelled::fetch {
namespace {

constexpr std::size_t path_bytes_max = 1000;
constexpr std::size_t name_bytes_max = 200;  // with ".part.etag" behind it, it is a file's name still
constexpr std::string_view safetensors = ".safetensors";
constexpr std::string_view index_name = "model.safetensors.index.json";

constexpr auto names_read = std::to_array<std::string_view>(
    {"config.json", "generation_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt",
     "merges.txt", "chat_template.jinja", "chat_template.json", "preprocessor_config.json", "processor_config.json",
     "video_preprocessor_config.json", "quantize_config.json", "quant_config.json", "hf_quant_config.json",
     "tekken.json", index_name});
constexpr auto pickle_endings = std::to_array<std::string_view>({".bin", ".pt", ".pth", ".ckpt"});

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.size() <= name_bytes_max &&
         std::ranges::all_of(name, [](unsigned char c) {
           return (c < 0x80 && std::isalnum(c) != 0) || c == '.' || c == '_' || c == '-';
         });
}

// A path that some system would take for one outside of its folder, or that no repository has.
bool is_trick(std::string_view path) {
  if (path.empty() || path.size() > path_bytes_max) return true;
  if (std::ranges::any_of(path, [](unsigned char c) { return c < ' ' || c == 0x7f || c == '\\'; })) return true;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return true;
    at = end + 1;
  }
  return false;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::optional<std::uint64_t> size_in(json::Value object) {
  const auto size = object.find("size");
  if (!size || size->kind() != json::Kind::number) return std::nullopt;
  const auto number = size->integer();
  if (!number || *number < 0 || static_cast<std::uint64_t>(*number) > limits::fetch_file_bytes_max) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

// Nothing: its size or its hash is missing, or cannot be.
std::optional<ListedFile> read_file(json::Value sibling, std::string name) {
  ListedFile file{std::move(name), 0, {}, {}};
  const auto large = sibling.find("lfs");
  const bool is_large = large && large->kind() == json::Kind::object;
  const auto bytes = size_in(is_large ? *large : sibling);
  if (!bytes) return std::nullopt;
  file.bytes = *bytes;
  const auto text_of = [](json::Value object, std::string_view key) {
    return object.find(key).value_or(json::Value()).text().value_or("");
  };
  if (is_large) {
    file.sha256 = crypto::from_hex(text_of(*large, "sha256"));
    if (!file.sha256) return std::nullopt;
    return file;
  }
  const auto git = crypto::git_blob_id_from_hex(text_of(sibling, "blobId"));
  if (!git) return std::nullopt;
  file.git = *git;
  return file;
}

Failure no_weights(const std::string& what, bool pickles, bool gguf) {
  if (gguf)
    return {Fault::refused, what + " holds no safetensors, but GGUF files",
            "name one of those, as hf:owner/repository/x.gguf, for engine llama"};
  if (pickles)
    return {Fault::refused, what + " holds no safetensors: its weights are pickles, which could run code here",
            "name a repository with model.safetensors; many models have one under another owner or revision"};
  return {Fault::refused, what + " holds no safetensors (model.safetensors, or model-….safetensors)",
          "is the repository right? Where the model lies in a folder of it, name that with '/' at its end"};
}

}  // namespace

bool holds_weights(std::string_view name) { return name.starts_with("model") && name.ends_with(safetensors); }

bool is_read_by_engines(std::string_view name) {
  if (holds_weights(name) || name.ends_with(".model")) return true;
  if (name.starts_with("tokenizer") && (name.ends_with(".json") || name.ends_with(".txt"))) return true;
  return std::ranges::find(names_read, name) != names_read.end();
}

const ListedFile* Listing::find(std::string_view name) const {
  const auto found = std::ranges::find(files, name, &ListedFile::name);
  return found == files.end() ? nullptr : &*found;
}

crypto::Digest Listing::digest() const {
  std::string text = "folder 1\n";
  for (const ListedFile& file : files) {
    text += file.sha256 ? "sha256 " + crypto::hex(*file.sha256) : "git " + crypto::hex(file.git);
    text += " " + std::to_string(file.bytes) + " " + file.name + "\n";
  }
  return crypto::sha256(text);
}

std::expected<Listing, Failure> read_listing(std::string_view json, const Source& source, json::Document& document) {
  const std::string what = "repository " + source.repository + (source.path.empty() ? "" : "/" + source.path);
  const auto wrong = [&](const std::string& why) {
    return std::unexpected(Failure{Fault::refused, "what the hub lists of " + what + " cannot be: " + why,
                                   "is downloads.hub a hub, and is nothing between it and this server?"});
  };
  const auto root = document.parse(json);
  if (!root) return wrong(root.error().message);
  const auto siblings = root->find("siblings");
  if (!siblings || siblings->kind() != json::Kind::array) return wrong("it has no list of files");
  Listing listing;
  listing.commit = root->find("sha").value_or(json::Value()).text().value_or("");
  if (!is_commit(listing.commit)) return wrong("it does not say its commit");
  std::set<std::string> lower_names;
  bool pickles = false, gguf = false;
  for (const json::Value sibling : siblings->items()) {
    const auto path = sibling.find("rfilename").value_or(json::Value()).text();
    if (!path || is_trick(*path)) return wrong("it names a file that no repository has");
    if (!path->starts_with(source.path)) continue;
    std::string name = path->substr(source.path.size());
    if (name.contains('/')) continue;  // engines read no folder within the folder
    gguf |= name.ends_with(".gguf");
    pickles |= std::ranges::any_of(pickle_endings, [&](std::string_view ending) { return name.ends_with(ending); });
    if (!is_read_by_engines(name) || name.starts_with('.')) continue;
    if (!is_plain_name(name)) return wrong("it names a file that no model has");
    if (!lower_names.insert(lower(name)).second)
      return wrong("it has '" + name + "' twice, but for upper and lower case");
    if (lower_names.size() > limits::model_shards_max) return wrong("it has more files than any model");
    auto file = read_file(sibling, std::move(name));
    if (!file) return wrong("it does not say size and hash of '" + *path + "'");
    listing.bytes += file->bytes;  // each is within the bound, so that the sum cannot overflow
    if (listing.bytes > limits::fetch_file_bytes_max) return wrong("it is larger than any model");
    listing.files.push_back(std::move(*file));
  }
  const auto has_weights = [](const ListedFile& file) { return holds_weights(file.name); };
  if (std::ranges::none_of(listing.files, has_weights)) return std::unexpected(no_weights(what, pickles, gguf));
  // Without an index an engine reads each file of weights, and those of another precision would be read beside it.
  if (listing.find("model.safetensors") != nullptr && listing.find(index_name) == nullptr)
    std::erase_if(listing.files,
                  [&](const ListedFile& file) { return has_weights(file) && file.name != "model.safetensors"; });
  if (listing.find("config.json") == nullptr)
    return std::unexpected(Failure{Fault::refused, what + " holds no config.json",
                                   "name a model's repository; an adapter or a tokenizer alone is none"});
  std::ranges::sort(listing.files, {},
                    [&](const ListedFile& file) { return std::tuple(has_weights(file), file.name); });
  listing.bytes = 0;
  for (const ListedFile& file : listing.files) listing.bytes += file.bytes;
  return listing;
}

}  // namespace faelled::fetch
