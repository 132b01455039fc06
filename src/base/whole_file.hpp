// A descriptor that closes itself, and files that are whole or not there at all.
#pragma once

#include <unistd.h>

#include <filesystem>
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

// All of it, however often the system takes a part. False: errno says why.
bool write_all(int fd, std::string_view text);

// The file holds `text`, for good when this is true, and for its owner alone (0600); until then it is what it was. What
// a full disk cuts short lies beside it as PATH.new, and the next one writes over that. False: errno says why.
bool write_whole(const std::filesystem::path& path, std::string_view text);

}  // namespace faelled
