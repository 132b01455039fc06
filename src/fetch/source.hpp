// Source: where a model's file is fetched from, as an operator writes it: `https://host/…/x.gguf`, the same with
// `http://` where the host is this machine, or `hf:owner/repository[@revision]/path/x.gguf`. Pure values and functions.
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
  std::string path;
  bool of_hub() const { return url.empty(); }
  bool operator==(const Source&) const = default;
};

// Errors: invalid, with what a right one looks like.
Expected<Source> parse_source(std::string_view text);

// The address of a hub: https, or http of this machine, without a slash at the end. Errors: invalid.
Expected<std::string> parse_hub(std::string_view text);

// Where its bytes are asked for. `hub`: as parse_hub() gave it.
std::string url_of(const Source& source, std::string_view hub);

// Whether this address may be asked at all: https, or http of this machine; nobody's name and password in it.
bool may_ask(std::string_view url);
// "localhost", 127.0.0.0/8 or ::1, as an address names it.
bool names_this_machine(std::string_view url);
// "https://host:port" of an address.
std::string_view origin_of(std::string_view url);
// For people and logs: without what stands behind '?', which may be a signature.
std::string shown(std::string_view url);

// The last part of its path, with '_' for what is no letter of a plain file name; at most 100 letters.
std::string base_name(const Source& source);

}  // namespace faelled::fetch
