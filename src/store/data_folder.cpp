#include "store/data_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "base/ids.hpp"
#include "base/whole_file.hpp"

namespace faelled::store {
namespace {

std::string reason(int code) { return std::generic_category().message(code); }

std::string holder(int fd) {
  std::array<char, 24> text{};
  const ssize_t got = ::pread(fd, text.data(), text.size() - 1, 0);
  const std::string_view pid(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  return pid.empty() ? "another process" : "process " + std::string(pid.substr(0, pid.find('\n')));
}

Expected<std::string> text_of(const std::filesystem::path& path) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0 && errno == ENOENT) return fail(Errc::not_found, path.string() + " is missing");
  std::array<char, 128> text{};
  const ssize_t got = file.fd < 0 ? -1 : ::read(file.fd, text.data(), text.size());
  if (got < 0) {
    return fail(Errc::io, path.string() + " cannot be read: " + reason(errno),
                "give the user that runs faelled access to it");
  }
  return std::string(text.data(), static_cast<std::size_t>(got));
}

}  // namespace

Expected<DataFolder> DataFolder::open(const std::filesystem::path& path) {
  std::error_code code;
  if (std::filesystem::create_directories(path, code)) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, code);
  }
  if (code) {
    return fail(Errc::io, "the data folder " + path.string() + " cannot be made: " + code.message(),
                "give the user that runs faelled the right to, or choose another folder with `data:`");
  }
  const std::filesystem::path lock = path / "lock";
  const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return fail(
        Errc::io, "the data folder " + path.string() + " cannot be written: " + reason(errno),
        errno == ENOSPC ? "free space on its disk" : "give the user that runs faelled the right to write there");
  }
  DataFolder out(path, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail(Errc::io, lock.string() + " cannot be locked: " + reason(errno));
    return fail(Errc::conflict, "the data folder " + path.string() + " is in use by " + holder(fd),
                "stop that one first, or choose another folder with `data:`");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return fail(Errc::io, lock.string() + " cannot be written: " + reason(errno), "free space on its disk");
  }
  return out;
}

DataFolder::~DataFolder() {
  if (lock_fd_ >= 0) ::close(lock_fd_);  // the file stays: removing it would let two processes hold two locks
}

Expected<std::string> DataFolder::server_id(WallTime now, Random& random) const {
  const std::filesystem::path file = path_ / "server.id";
  auto kept = text_of(file);
  if (kept) {
    const std::string id = kept->substr(0, kept->find('\n'));
    if (is_id("srv_", id)) return id;
    return fail(Errc::invalid, file.string() + (kept->empty() ? " is empty" : " holds no server's id"),
                "restore it from the backup; without it this folder's journal cannot be told from another's");
  }
  // Only where there is none: under another name this server's answers on their way would be nobody's.
  if (kept.error().code != Errc::not_found) return std::unexpected(kept.error());
  std::string id = make_id("srv_", now, random);
  if (!write_whole(file, id + "\n")) {
    return fail(Errc::io, file.string() + " cannot be written: " + reason(errno),
                "free space on its disk, and give the user that runs faelled the right to write there");
  }
  return id;
}

}  // namespace faelled::store
