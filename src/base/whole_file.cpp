#include "base/whole_file.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace faelled {
namespace {

// From where it stands on; false: errno says why.
bool read_on(int fd, std::string& out, std::size_t bytes_max) {
  std::array<char, 16384> part;
  for (;;) {
    const ssize_t got = ::read(fd, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    if (static_cast<std::size_t>(got) > bytes_max - out.size()) {
      errno = EFBIG;
      return false;
    }
    out.append(part.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

// Not a stream's iterator: that throws where a read fails, of a folder or of a process that has just gone.
std::optional<std::string> read_whole(const std::filesystem::path& path, std::size_t bytes_max) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string out;
  if (file.fd < 0 || !read_on(file.fd, out, bytes_max)) return std::nullopt;
  return out;
}

std::optional<std::string> read_tail(const std::filesystem::path& path, std::size_t bytes_max) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0) return std::nullopt;
  const off_t size = ::lseek(file.fd, 0, SEEK_END);
  if (size < 0) return std::nullopt;
  const auto bytes = static_cast<std::size_t>(size);
  const std::size_t from = bytes > bytes_max ? bytes - bytes_max : 0;
  if (::lseek(file.fd, static_cast<off_t>(from), SEEK_SET) < 0) return std::nullopt;
  std::string out;
  if (!read_on(file.fd, out, std::numeric_limits<std::size_t>::max())) return std::nullopt;
  if (from > 0) out.erase(0, out.find('\n') == std::string::npos ? 0 : out.find('\n') + 1);
  return out;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

bool write_whole(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path draft = path.string() + ".new";
  {
    const OpenFile file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.fd < 0 || !write_all(file.fd, text) || ::fsync(file.fd) != 0) return false;
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) return false;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const OpenFile opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return opened.fd >= 0 && ::fsync(opened.fd) == 0;
}

}  // namespace faelled
