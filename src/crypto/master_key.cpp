#include "crypto/master_key.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/whole_file.hpp"
#include "crypto/digest.hpp"

namespace faelled::crypto {
namespace {

constexpr std::size_t text_bytes = 65;  // 64 hexadecimal digits and a newline

std::string reason() { return std::generic_category().message(errno); }

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

Expected<SealKey> read_master_key(const std::filesystem::path& path) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
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
  if (!write_whole(path, text))
    return fail(Errc::io, path.string() + " cannot be written: " + reason(), "check rights and free space");
  return key;
}

}  // namespace faelled::crypto
