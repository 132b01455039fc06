#include "crypto/master_key.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "crypto/digest.hpp"

namespace faelled::crypto {
namespace {

constexpr std::size_t text_bytes = 65;  // 64 hexadecimal digits and a newline

std::string reason() { return std::generic_category().message(errno); }

struct File {
  int fd;
  explicit File(int f) : fd(f) {}
  File(const File&) = delete;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

Expected<SealKey> read_master_key(const std::filesystem::path& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0) {
    if (errno == ENOENT) return fail(Errc::not_found, path.string() + " is missing");
    return fail(Errc::io, path.string() + " cannot be read: " + reason(),
                "give the user that runs faelled access to it");
  }
  struct stat info{};
  if (::fstat(file.fd, &info) != 0) return fail(Errc::io, path.string() + " cannot be read: " + reason());
  if ((info.st_mode & 077U) != 0) {
    return fail(Errc::forbidden, path.string() + " can be read by others than its owner",
                "run: chmod 600 " + path.string());
  }
  std::array<char, text_bytes + 1> text{};
  const ssize_t got = ::read(file.fd, text.data(), text.size());
  SealKey key{};
  bool ok = got == static_cast<ssize_t>(text_bytes) && text[text_bytes - 1] == '\n';
  for (std::size_t i = 0; ok && i < key.size(); ++i) {
    const int high = digit(text[2 * i]);
    const int low = digit(text[2 * i + 1]);
    ok = high >= 0 && low >= 0;
    if (ok) key[i] = static_cast<std::byte>(high << 4 | low);
  }
  if (!ok) return fail(Errc::invalid, path.string() + " holds no master key", "restore it from the backup");
  return key;
}

Expected<SealKey> create_master_key(const std::filesystem::path& path, Random& random) {
  if (std::error_code none; std::filesystem::exists(path, none)) return fail(Errc::exists, path.string() + " exists");
  const SealKey key = make_seal_key(random);
  const std::string text = hex(key) + "\n";
  // Under another name first: a key cut short by a full disk would be taken for the key.
  const std::filesystem::path draft = path.string() + ".new";
  {
    const File file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const bool ok = file.fd >= 0 && ::write(file.fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                    ::fsync(file.fd) == 0;
    if (!ok) return fail(Errc::io, draft.string() + " cannot be written: " + reason(), "check rights and free space");
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) {
    return fail(Errc::io, path.string() + " cannot be written: " + reason(), "check rights and free space");
  }
  const File folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd < 0 || ::fsync(folder.fd) != 0) return fail(Errc::io, path.string() + " cannot be synced: " + reason());
  return key;
}

}  // namespace faelled::crypto
