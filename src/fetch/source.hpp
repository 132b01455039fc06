// Source: where a model is fetched from, as an operator writes it. One file: `https://host/…/x.gguf`, the same with
// `http://` where the host is this machine, or `hf:owner/repository[@revision]/path/x.gguf`. A folder of safetensors:
// `hf:owner/repository[@revision]`, or one in it, `hf:owner/repository[@revision]/path/`. Pure values and functions.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace faelled::fetch {

struct Source {
  std::string text;  // as it was written; never a secret
  std::string url;   // empty: a hub's
  // Of a hub.
  std::string repository;  // "owner/name"
  std::string revision;    // a branch, tag or commit
  std::string path;        // of a folder: empty, or with '/' at its end
  bool of_hub() const { return url.empty(); }
  bool is_folder() const { return of_hub() && (path.empty() || path.ends_with('/')); }
  bool operator==(const Source&) const = default;
};

// Errors: invalid, with what a right one looks like.
Expected<Source> parse_source(std::string_view text);

// The address of a hub: https, or http of this machine, without a slash at the end. Errors: invalid.
Expected<std::string> parse_hub(std::string_view text);

// Where its bytes are asked for. `hub`: as parse_hub() gave it.
std::string url_of(const Source& source, std::string_view hub);
// Of a folder: where the hub is asked what the repository holds, at a revision and the commit that this is.
std::string listing_url_of(const Source& source, std::string_view revision, std::string_view hub);
// A folder's file, as a source of its own, at one commit.
Source file_of(const Source& folder, std::string_view commit, std::string_view name);
// Whether it is a commit's whole name: 40 digits of 0-9 and a-f.
bool is_commit(std::string_view revision);

// Whether this address may be asked at all: https, or http of this machine; nobody's name and password in it.
bool may_ask(std::string_view url);
// "localhost", 127.0.0.0/8 or ::1, as an address names it.
bool names_this_machine(std::string_view url);
// "https://host:port" of an address.
std::string_view origin_of(std::string_view url);
// For people and logs: without what stands behind '?', which may be a signature.
std::string shown(std::string_view url);

// The last part of its path, with '_' for what is no letter of a plain file name; at most 100 letters. Of a folder it
// ends with ".folder".
std::string base_name(const Source& source);

}  // namespace faelled::fetch
