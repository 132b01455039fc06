// Any bytes as what a hub lists of a repository: files that an engine reads, with plain names, once each, and sizes
// that fit a disk; or a refusal in words.
#include <cstdlib>
#include <set>
#include <string>

#include "base/limits.hpp"
#include "fetch/listing.hpp"

namespace {

using namespace faelled;
using namespace faelled::fetch;

void judge(const Listing& listing, const Source& source) {
  std::set<std::string> names;
  std::uint64_t bytes = 0;
  bool weights = false;
  for (const ListedFile& file : listing.files) {
    for (const unsigned char c : file.name)
      if (c <= ' ' || c >= 0x7f || c == '/' || c == '\\' || c == ':') std::abort();
    if (file.name.empty() || file.name.front() == '.' || !is_read_by_engines(file.name)) std::abort();
    for (const char* code : {".py", ".bin", ".pt", ".pth", ".ckpt", ".so", ".sh"})
      if (file.name.ends_with(code)) std::abort();
    std::string lower = file.name;
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    if (!names.insert(lower).second) std::abort();
    if (bytes + file.bytes < bytes) std::abort();
    bytes += file.bytes;
    weights = weights || holds_weights(file.name);
    if (url_of(file_of(source, listing.commit, file.name), "https://hub").find("/../") != std::string::npos)
      std::abort();
  }
  if (!weights || listing.find("config.json") == nullptr || !is_commit(listing.commit)) std::abort();
  if (bytes != listing.bytes || bytes > limits::fetch_file_bytes_max || names.size() > limits::model_shards_max)
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  const std::string text(reinterpret_cast<const char*>(data), bytes);  // exactly its size, so that ASan sees overreads
  json::Document document;
  for (const char* from : {"hf:o/r", "hf:o/r/sub/"}) {
    const Source source = parse_source(from).value();
    const auto listing = read_listing(text, source, document);
    if (!listing && (listing.error().message.empty() || listing.error().retries())) std::abort();
    if (!listing) continue;
    judge(*listing, source);
    if (read_listing(text, source, document)->digest() != listing->digest()) std::abort();
  }
  return 0;
}
