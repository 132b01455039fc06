#include "base/whole_file.hpp"

#include <fcntl.h>

#include <cerrno>

namespace faelled {

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
