#include "decisions/disk.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/folder.hpp"
#include "base/limits.hpp"
#include "base/whole_file.hpp"
#include "decisions/chain.hpp"

namespace faelled::decisions {
namespace {

std::unexpected<Error> io_error(const std::filesystem::path& file, std::string_view what, int code) {
  return fail(Errc::io,
              file.string() + " cannot be " + std::string(what) + ": " + std::generic_category().message(code),
              "check the rights and the free space");
}

constexpr std::size_t read_bytes = 1024 * 1024;  // between two questions whether to stop

Expected<std::string> read_bytes_of(int fd, std::size_t bytes, const std::filesystem::path& path,
                                    const Stopped& stopped) {
  std::string text(bytes, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    if (stopped && stopped()) return fail(Errc::cancelled, "the reading of " + path.string() + " was stopped");
    const ssize_t got = ::read(fd, text.data() + have, std::min(text.size() - have, read_bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error(path, "read", errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  text.resize(have);
  return text;
}

}  // namespace

Expected<std::string> read_file(const std::filesystem::path& path, const Stopped& stopped) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info{};
  if (file.fd < 0 && errno == ENOENT) return fail(Errc::not_found, path.string() + " is not there");
  if (file.fd < 0 || ::fstat(file.fd, &info) != 0) return io_error(path, "read", errno);
  if (!S_ISREG(info.st_mode)) return io_error(path, "read", EISDIR);
  if (static_cast<std::uint64_t>(info.st_size) > limits::decisions_read_bytes_max)
    return fail(Errc::too_large, path.string() + " is too large for a file of the decision log");
  return read_bytes_of(file.fd, static_cast<std::size_t>(info.st_size), path, stopped);
}

Expected<std::string> read_beginning(const std::filesystem::path& path, std::size_t bytes_max) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0 && errno == ENOENT) return fail(Errc::not_found, path.string() + " is not there");
  if (file.fd < 0) return io_error(path, "read", errno);
  return read_bytes_of(file.fd, bytes_max, path, {});
}

int open_locked(const std::filesystem::path& path, int flags) {
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd < 0) return fd;
    while (::flock(fd, LOCK_EX) != 0 && errno == EINTR) {
    }
    struct stat held{}, there{};
    const bool same = ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &there) == 0 && held.st_dev == there.st_dev &&
                      held.st_ino == there.st_ino;
    if (same) return fd;
    ::close(fd);
  }
}

Expected<void> append(const std::filesystem::path& path, std::string_view text) {
  const OpenFile file(open_locked(path, O_WRONLY | O_CREAT | O_APPEND));
  struct stat info{};
  if (file.fd < 0 || ::fstat(file.fd, &info) != 0) return io_error(path, "written", errno);
  if (write_all(file.fd, text)) return {};
  const int code = errno;
  if (::ftruncate(file.fd, info.st_size) != 0) return io_error(path, "written or mended", errno);
  return io_error(path, "written", code);
}

Expected<void> replace(const std::filesystem::path& path, std::string_view text) {
  if (!write_whole(path, text)) return io_error(path, "written", errno);
  return {};
}

Expected<std::vector<std::string>> log_files(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code code;
  for (const auto& entry : entries_of(folder, code))
    if (const std::string name = entry.path().filename().string(); is_file_name(name)) names.push_back(name);
  if (code == std::errc::no_such_file_or_directory) return fail(Errc::not_found, folder.string() + " is not there");
  if (code) return io_error(folder, "read", code.value());
  std::ranges::sort(names);
  return names;
}

}  // namespace faelled::decisions
