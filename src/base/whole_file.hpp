// A descriptor that closes itself, and files as a whole: read, and written so that they are whole or not there at all.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace faelled {

// Of ::open(), or -1.
struct OpenFile {
  int fd;
  explicit OpenFile(int f) : fd(f) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd >= 0) ::close(fd);
  }
};

// All that stands in it, of /proc too. nullopt: errno says why (EISDIR: a folder; ESRCH: its process has gone; EFBIG:
// there is more than bytes_max).
std::optional<std::string> read_whole(const std::filesystem::path& path,
                                      std::size_t bytes_max = std::numeric_limits<std::size_t>::max());

// Its last bytes, from a line's beginning on where it has more than bytes_max. nullopt: errno says why.
std::optional<std::string> read_tail(const std::filesystem::path& path, std::size_t bytes_max);

// All of it, however often the system takes a part. False: errno says why.
bool write_all(int fd, std::string_view text);

// The file holds `text`, for good when this is true, and for its owner alone (0600); until then it is what it was. What
// a full disk cuts short lies beside it as PATH.new, and the next one writes over that. False: errno says why.
bool write_whole(const std::filesystem::path& path, std::string_view text);

}  // namespace faelled
