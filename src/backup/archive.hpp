// Archive: the one file that a backup is. Two lines that anybody may read (the format, then a heading in JSON), then
// sealed chunks: each is bound to the heading and to its number, so one turned bit, a chunk left out, doubled or moved,
// or an end that is missing is found when it is read. Streams through memory of one chunk. Owned by the command that
// reads or writes it; no thread of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "crypto/seal.hpp"

namespace faelled::backup {

struct Heading {
  std::string version;  // of the faelled that wrote it
  WallTime made_at;
  bool keys = false;  // holds the master key and the configuration, and opens with a passphrase alone
  bool operator==(const Heading&) const = default;
};

class ArchiveWriter {
 public:
  // The file must not be there yet; it is mode 0600. Until finish() it is called FILE.part: whoever is killed leaves
  // that behind, and the next one writes over it. `passphrase` empty: heading.keys must be false, and the chunks are
  // only guarded against damage, not against readers. Errors: exists, conflict (another writes that FILE.part), io,
  // internal.
  static Expected<ArchiveWriter> create(const std::filesystem::path& file, const Heading& heading,
                                        std::string_view passphrase, Random& random);

  ArchiveWriter(ArchiveWriter&& other) noexcept;
  ArchiveWriter& operator=(ArchiveWriter&&) = delete;
  ~ArchiveWriter();  // unfinished: FILE.part goes

  // Adds `from` as `name`. `goes_on`: told the bytes taken so far, after every chunk; false: give up. Errors: io,
  // cancelled.
  Expected<void> add(std::string_view name, const std::filesystem::path& from,
                     const std::function<bool(std::uint64_t)>& goes_on = {});
  // The end mark; synced, and then the file has its name. Errors: exists (somebody else gave it to a file meanwhile),
  // io.
  Expected<std::uint64_t> finish();  // gives the file's bytes

 private:
  ArchiveWriter(std::filesystem::path file, crypto::SealKey key, std::string bound, Random& random)
      : file_(std::move(file)), part_(file_.string() + ".part"), key_(key), bound_(std::move(bound)), random_(random) {}
  Expected<void> chunk(char kind, std::string_view content);
  Expected<void> open_part();

  std::filesystem::path file_;
  std::filesystem::path part_;  // empty: it has its name
  int lock_ = -1;
  std::ofstream out_;
  crypto::SealKey key_;
  std::string bound_;
  Random& random_;
  std::uint64_t number_ = 0;
  std::uint64_t taken_bytes_ = 0;
};

// Master key and configuration: read_only, they are looked through and lie nowhere in the clear.
enum class Secrets : std::uint8_t { written, read_only };

class ArchiveReader {
 public:
  // Errors: not_found, io, invalid (no backup, wrong passphrase, not sealed with one at all, damaged), incompatible (a
  // newer format), unauthorized (it needs a passphrase).
  static Expected<ArchiveReader> open(const std::filesystem::path& file, std::string_view passphrase);
  // The heading alone, without a passphrase.
  static Expected<Heading> heading_of(const std::filesystem::path& file);

  const Heading& heading() const { return heading_; }

  // Writes every entry below `folder`, which is there and empty. A name that is none of ours is refused before anything
  // of it is written, and so is a key or a configuration in a backup that says it holds none. Errors: invalid (damaged,
  // cut off, a strange name), io.
  Expected<void> unpack(const std::filesystem::path& folder, Secrets secrets = Secrets::written);

 private:
  struct Chunk {
    char kind = 0;
    std::string content;
  };
  Expected<Chunk> next();
  Error damaged() const;

  std::filesystem::path file_;
  std::ifstream in_;
  Heading heading_;
  crypto::SealKey key_{};
  std::string bound_;
  std::uint64_t number_ = 0;
};

// Whether an entry may have this name: the files that a data folder holds, nothing else, no way out of the folder.
bool is_entry_name(std::string_view name);

}  // namespace faelled::backup
