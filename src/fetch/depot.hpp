// Depot: the folder in which fetched files lie, each called by its SHA-256 and a name for people, so that two models
// with one hash share one file. What is still coming ends in ".part". A model that is a folder lies there as one,
// called by the hash of its listing. A value; its functions touch the disk and may be called from any thread, but two
// that fetch one file at a time are not meant.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "crypto/digest.hpp"
#include "fetch/failure.hpp"
#include "fetch/source.hpp"

namespace faelled::fetch {

class Depot {
 public:
  explicit Depot(std::filesystem::path folder) : folder_(std::move(folder)) {}
  const std::filesystem::path& folder() const { return folder_; }
  // Reads the folder once, for as many questions as follow: they are answered as it was then.
  void look_once();

  // The whole file with this hash, if it is here.
  std::optional<std::filesystem::path> find(const crypto::Digest& sha256) const;
  // Where it lies, or will.
  std::filesystem::path place(const crypto::Digest& sha256, const Source& source) const;
  // By the name of a file in a depot.
  static std::optional<crypto::Digest> sha256_of(const std::filesystem::path& file);
  // Of a file, or of all files in a folder; nothing: it is not there.
  static std::optional<std::uint64_t> bytes_of(const std::filesystem::path& path);
  static std::filesystem::path part_of(std::filesystem::path file) { return file += ".part"; }

  // What a hub said of a source when it was first asked: later answers do not change what is served. Nothing: it was
  // not asked yet.
  std::optional<crypto::Digest> remembered(const Source& source) const;
  // `commit`: of a folder, at which the hub said so. Failures: no_room, refused.
  std::expected<void, Failure> remember(const Source& source, const crypto::Digest& sha256,
                                        std::string_view commit = {}) const;
  std::optional<std::string> remembered_commit(const Source& source) const;
  void forget(const Source& source) const;

  // Removes the file with this hash, and what of it came so far. One that is interrupted leaves a part.
  void remove(const crypto::Digest& sha256) const;
  void remove_parts(const crypto::Digest& sha256) const;

  struct File {
    std::string name;
    std::uint64_t bytes = 0;  // of a folder: what is in it
  };
  // What of it came so far; nothing: no byte.
  std::optional<File> part(const crypto::Digest& sha256) const;
  std::vector<File> files() const;  // by name, parts too

  // Makes the folder, for the owner alone. Failures: no_room, refused.
  std::expected<void, Failure> make() const;

 private:
  std::filesystem::path note_of(const Source& source) const;
  std::vector<std::filesystem::path> beginning_with(const std::string& start) const;

  std::filesystem::path folder_;
  std::optional<std::vector<std::string>> seen_;  // names, in order
};

}  // namespace faelled::fetch
