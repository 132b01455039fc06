#include "ledger/segment.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <system_error>

#include "base/whole_file.hpp"
#include "ledger/crc32c.hpp"

namespace faelled::ledger {
namespace {

constexpr std::uint32_t format_version = 1;
constexpr char format_magic[8] = {'f', 'a', 'e', 'l', 'l', 'e', 'd', 'J'};
constexpr std::string_view name_end = ".journal";
constexpr std::string_view draft_end = ".draft";

struct Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t crc;  // of all that follows
  std::uint64_t number;
  std::uint64_t bytes;
  std::uint32_t salt;
  std::uint32_t zero[7];
};
static_assert(sizeof(Header) == segment_header_bytes);

std::uint32_t check_of(const Header& header) {
  return crc32c(0, std::as_bytes(std::span(&header, 1)).subspan(offsetof(Header, number)));
}

std::string reason(int code) { return std::generic_category().message(code); }

std::unexpected<Error> disk_error(const std::filesystem::path& what, int code) {
  if (code == ENOSPC || code == EDQUOT) {
    return fail(Errc::exhausted, "no room on the disk for " + what.string(),
                "free space on the disk of the data folder");
  }
  return fail(Errc::io, what.string() + ": " + reason(code), "check the rights and the disk of the data folder");
}

Expected<std::unique_ptr<Segment>> read_header(const std::filesystem::path& path, std::uint64_t number) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  Header header{};
  struct stat info{};
  if (file.fd < 0 || ::fstat(file.fd, &info) != 0) return disk_error(path, errno);
  const ssize_t got = ::pread(file.fd, &header, sizeof header, 0);
  if (got < 0) return disk_error(path, errno);
  const bool ours = got == sizeof header && std::memcmp(header.magic, format_magic, sizeof format_magic) == 0;
  if (ours && header.version > format_version) {
    return fail(Errc::incompatible, path.string() + " was written by a newer version of faelled",
                "start that version, or restore the data folder from before the update");
  }
  if (!ours || header.version != format_version || header.crc != check_of(header) || header.number != number ||
      header.bytes != static_cast<std::uint64_t>(info.st_size)) {
    return fail(Errc::incompatible, path.string() + " is damaged or no journal of faelled",
                "restore it from the backup, or move it out of the folder and lose the usage in it");
  }
  auto out = std::make_unique<Segment>();
  out->number = number;
  out->file = path;
  out->salt = header.salt;
  out->bytes = header.bytes;
  return out;
}

}  // namespace

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
  if (fd_ >= 0) ::close(fd_);
}

void MappedFile::swap(MappedFile& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
}

Expected<MappedFile> MappedFile::open(const std::filesystem::path& file, std::size_t bytes) {
  MappedFile out;
  out.fd_ = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (out.fd_ < 0) return disk_error(file, errno);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, out.fd_, 0);
  if (memory == MAP_FAILED) return disk_error(file, errno);
  out.data_ = static_cast<std::byte*>(memory);
  out.bytes_ = bytes;
  return out;
}

Expected<MappedFile> MappedFile::open_to_read(const std::filesystem::path& file) {
  MappedFile out;
  out.fd_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (out.fd_ < 0) return disk_error(file, errno);
  return out;
}

std::filesystem::path segment_file(const std::filesystem::path& folder, std::uint64_t number) {
  char digits[17] = "0000000000000000";
  char text[16];
  const auto end = std::to_chars(text, text + sizeof text, number, 16).ptr;
  std::copy(text, end, digits + 16 - (end - text));
  return folder / (std::string(digits) + std::string(name_end));
}

Expected<std::unique_ptr<Segment>> create_segment(const std::filesystem::path& folder, std::uint64_t number,
                                                  std::size_t bytes, Random& random) {
  auto out = std::make_unique<Segment>();
  out->number = number;
  out->file = segment_file(folder, number);
  out->salt = static_cast<std::uint32_t>(random.u64());
  out->bytes = bytes;
  Header header{};
  std::memcpy(header.magic, format_magic, sizeof format_magic);
  header.version = format_version;
  header.number = number;
  header.bytes = bytes;
  header.salt = out->salt;
  header.crc = check_of(header);

  const std::filesystem::path draft = out->file.string() + std::string(draft_end);
  const OpenFile file(::open(draft.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file.fd < 0) return disk_error(draft, errno);
  int code = ::posix_fallocate(file.fd, 0, static_cast<off_t>(bytes));
  // Zeros are written, not only promised: a first write into promised room would change the file system's own tables,
  // and that on the event loop's thread, inside a memcpy.
  static constexpr std::array<std::byte, 64 * 1024> zeros{};
  for (std::size_t at = 0; code == 0 && at < bytes;) {
    const ssize_t put = ::pwrite(file.fd, zeros.data(), std::min(zeros.size(), bytes - at), static_cast<off_t>(at));
    if (put < 0) code = errno;
    at += static_cast<std::size_t>(std::max<ssize_t>(put, 0));
  }
  if (code == 0 && ::pwrite(file.fd, &header, sizeof header, 0) != sizeof header) code = errno;
  if (code == 0 && ::fsync(file.fd) != 0) code = errno;
  if (code == 0 && ::rename(draft.c_str(), out->file.c_str()) != 0) code = errno;
  if (code != 0) {
    ::unlink(draft.c_str());
    return disk_error(out->file, code);
  }
  return out;
}

Expected<std::vector<std::unique_ptr<Segment>>> find_segments(const std::filesystem::path& folder) {
  std::vector<std::unique_ptr<Segment>> out;
  std::error_code code;
  std::vector<std::filesystem::path> drafts;
  for (std::filesystem::directory_iterator at(folder, code), end; !code && at != end; at.increment(code)) {
    const std::string name = at->path().filename().string();
    if (name.ends_with(draft_end)) drafts.push_back(at->path());
    if (!name.ends_with(name_end)) continue;
    std::uint64_t number = 0;
    const char* stop = name.data() + name.size() - name_end.size();
    const auto parsed = std::from_chars(name.data(), stop, number, 16);
    if (parsed.ec != std::errc{} || parsed.ptr != stop || number == 0 || segment_file(folder, number) != at->path()) {
      return fail(Errc::incompatible, at->path().string() + " is no journal of faelled", "move it out of the folder");
    }
    auto segment = read_header(at->path(), number);
    if (!segment) return std::unexpected(segment.error());
    out.push_back(std::move(*segment));
  }
  if (code) return disk_error(folder, code.value());
  for (const auto& draft : drafts) std::filesystem::remove(draft, code);
  std::ranges::sort(out, {}, [](const auto& segment) { return segment->number; });
  return out;
}

Expected<void> read_at(int fd, const std::filesystem::path& file, std::uint64_t offset, std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return disk_error(file, got < 0 ? errno : EIO);
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

Expected<void> sync_folder(const std::filesystem::path& folder) {
  const OpenFile file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.fd < 0 || ::fsync(file.fd) != 0) return disk_error(folder, errno);
  return {};
}

}  // namespace faelled::ledger
