// Segment: one preallocated file of the journal. Fresh, zeroed and never reused, so nothing in it can be an older
// journal's; its name appears only when its header is whole on the disk. Used by the journal alone.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"

namespace faelled::ledger {

inline constexpr std::size_t segment_header_bytes = 64;

struct Segment {
  std::uint64_t number = 0;
  std::filesystem::path file;
  std::uint32_t salt = 0;
  std::size_t bytes = 0;
  std::atomic<std::uint64_t> end = segment_header_bytes;  // after the last whole record; the appending thread moves it
  std::atomic<std::uint64_t> open = 0;                    // requests opened here and not closed yet
};

// A file descriptor and, for the segment being written, its memory. Owns both.
class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept { swap(other); }
  MappedFile& operator=(MappedFile&& other) noexcept {
    swap(other);
    return *this;
  }
  ~MappedFile();

  // Opens a file for reading; maps no memory.
  static Expected<MappedFile> open_to_read(const std::filesystem::path& file);
  // Maps the whole file for reading and writing.
  static Expected<MappedFile> open(const std::filesystem::path& file, std::size_t bytes);

  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  std::byte* data() const { return data_; }

 private:
  void swap(MappedFile& other) noexcept;
  int fd_ = -1;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

std::filesystem::path segment_file(const std::filesystem::path& folder, std::uint64_t number);

// Lays segment `number` out: room taken on the disk, header written, synced, then named. Errors: exhausted (disk full),
// io.
Expected<std::unique_ptr<Segment>> create_segment(const std::filesystem::path& folder, std::uint64_t number,
                                                  std::size_t bytes, Random& random);

// The segments in a folder by number, headers checked; `end` and `open` are not yet known. Drafts are removed.
// Errors: incompatible, io.
Expected<std::vector<std::unique_ptr<Segment>>> find_segments(const std::filesystem::path& folder);

// Fills `out` from `offset`; bytes past the file's end are an error. Errors: io.
Expected<void> read_at(int fd, const std::filesystem::path& file, std::uint64_t offset, std::span<std::byte> out);

// Makes creations and removals in `folder` last.
Expected<void> sync_folder(const std::filesystem::path& folder);

}  // namespace faelled::ledger
