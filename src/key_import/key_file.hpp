// KeyFile: keys of another gateway, as CSV or JSON: a dump of LiteLLM's table LiteLLM_VerificationToken, its answer to
// GET /key/list?return_full_object=true, or a table of one's own with secrets in clear. LiteLLM keeps a key as the
// SHA-256 of its secret in hexadecimal, and so do we in bytes: nobody needs a new key. A secret in clear is hashed here
// and goes no further. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "crypto/digest.hpp"

namespace faelled::key_import {

struct OldKey {
  std::size_t line = 0;  // from 1, of the file
  crypto::Digest hash{};
  std::string name;    // never empty
  std::string member;  // ours, where the file says so; empty: by team, user or default
  std::string team;
  std::string user;
  std::string email;
  std::optional<WallTime> expires_at;
  bool blocked = false;
};

struct BadLine {
  std::size_t line = 0;
  std::string message;  // what is wrong; never a secret
};

struct KeyFile {
  std::vector<OldKey> keys;
  std::vector<BadLine> bad;
  std::vector<std::string> notes;  // of the file as a whole: what it does not hold, and what of it was not read
};

// Keys that their gateway held to certain models. No key here is: its member's policy says which models it may use.
enum class ModelLists { refused, ignored };

// At most limits::key_file_bytes_max bytes and limits::key_import_rows_max rows. A bad row does not end the reading.
// `models`: refused makes such a key's row a bad one, ignored a note. Errors: invalid (the whole of it is no such
// file), too_large.
Expected<KeyFile> read_key_file(std::string_view text, ModelLists models = ModelLists::refused);

}  // namespace faelled::key_import
