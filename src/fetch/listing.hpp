// Listing: what a hub says that a repository holds at one commit, as far as an engine reads it from a folder. It comes
// from outside and its names become files, so nothing in it is believed that a plain model would not say. Pure.
//
// It is read from `GET /api/models/OWNER/NAME/revision/REVISION?blobs=true`, whose one answer has the commit and all
// files of it: `{"sha": …, "siblings": [{"rfilename", "size", "blobId", "lfs": {"sha256", "size"}}]}`.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/digest.hpp"
#include "crypto/git_blob.hpp"
#include "fetch/failure.hpp"
#include "fetch/source.hpp"
#include "json/document.hpp"

namespace faelled::fetch {

struct ListedFile {
  std::string name;  // a plain file name, within the folder
  std::uint64_t bytes = 0;
  std::optional<crypto::Digest> sha256;  // of a large file, which git keeps elsewhere
  crypto::GitBlobId git{};               // of the others
  bool operator==(const ListedFile&) const = default;
};

struct Listing {
  std::string commit;
  std::vector<ListedFile> files;  // weights last, else by name; no two alike
  std::uint64_t bytes = 0;        // of all of them
  // Of names, sizes and hashes: what the folder is called by, so that those with the same content are one.
  crypto::Digest digest() const;
  const ListedFile* find(std::string_view name) const;
  bool operator==(const Listing&) const = default;
};

// Whether an engine reads a file of this name: configuration, tokenizer and weights in safetensors. Never code, and
// never weights that could hold code (pickles: .bin, .pt, .pth, .ckpt).
bool is_read_by_engines(std::string_view name);
bool holds_weights(std::string_view name);

// `source`: a folder. Failures: refused, with what an operator can do about it.
std::expected<Listing, Failure> read_listing(std::string_view json, const Source& source, json::Document& document);

}  // namespace faelled::fetch
