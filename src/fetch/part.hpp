// Part: a file that is still coming, on the disk and hashed as far as it has come, and the one question that brings the
// rest of it. Internal to fetch; blocks; for the thread that fetches.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/whole_file.hpp"
#include "crypto/digest.hpp"
#include "fetch/failure.hpp"
#include "fetch/fetch.hpp"

namespace faelled::fetch {

// Why `more` bytes do not fit on the depot's disk; empty: they do.
std::string no_room_for(std::uint64_t more, const Settings& settings);
Failure no_room(std::string why);
// By errno.
Failure disk_failure(const std::filesystem::path& path);
// A small file that is written whole and for good, or not at all.
std::expected<void, Failure> write_note(const std::filesystem::path& path, std::string_view text);
// The folder's entries are on the disk for good.
std::expected<void, Failure> sync_folder(const std::filesystem::path& folder);

// "bytes 10-19/20"; nothing where it is written otherwise.
struct ContentRange {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> total;
};
std::optional<ContentRange> content_range_of(std::string_view text);

class Part {
 public:
  // Where the file is one of several that are one fetch: bytes of the others that are here, and of them all.
  struct Among {
    std::uint64_t here = 0;
    std::uint64_t total = 0;  // 0: the file is alone
  };
  Part(std::filesystem::path path, const Settings& settings, Progress& progress, Among among)
      : path_(std::move(path)), settings_(settings), progress_(progress), among_(among) {}
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  // Makes it, or reads what is there. Errors: cancelled, no_room, refused.
  std::expected<void, Failure> open();
  std::uint64_t bytes() const { return bytes_; }
  // Of what came last. Strong ones alone: a weak one may stand for other bytes.
  const std::string& etag() const { return etag_; }
  void is_of(const std::string& etag);
  // How large the file will be; 0: not known.
  void will_have(std::uint64_t bytes);
  bool begin_anew();
  std::optional<Failure> add(std::span<const std::byte> piece);
  // Of what is here; begins anew.
  crypto::Digest sha256() { return sha256_.finish(); }
  std::expected<void, Failure> keep_as(const std::filesystem::path& name);
  void remove();

 private:
  std::filesystem::path etag_path() const { return std::filesystem::path(path_) += ".etag"; }
  void tell() { progress_.bytes = among_.here + bytes_; }

  std::filesystem::path path_;
  const Settings& settings_;
  Progress& progress_;
  Among among_;
  std::optional<OpenFile> file_;
  crypto::RunningSha256 sha256_;
  std::uint64_t bytes_ = 0;
  std::uint64_t looked_at_ = 0;
  std::string etag_;
};

// The file that a part is of, as far as it is known.
struct Whole {
  std::string url;
  // A hub sends each question to another store, with an ETag of its own: what tells whether a part is of this file is
  // its hash alone.
  bool of_hub = false;
  std::uint64_t bytes = 0;               // as the hub says; 0: it has not
  std::optional<crypto::Digest> sha256;  // a hub that says another one now is asked for no byte
};
// Brings the part to its end; true: some of it was there before. An answer of another length leaves what is there.
std::expected<bool, Failure> complete(Part& part, const Whole& whole, const Settings& settings, Progress& progress);

}  // namespace faelled::fetch
