#include "fetch/part.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <vector>

#include "base/byte_text.hpp"
#include "base/limits.hpp"
#include "base/whole_file.hpp"
#include "fetch/source.hpp"
#include "fetch/transfer.hpp"

namespace faelled::fetch {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t block_bytes = 256 * 1024;
constexpr std::uint64_t room_looked_at_every = 16 * 1024 * 1024;  // bytes

std::optional<std::uint64_t> free_bytes(const fs::path& folder) {
  struct statvfs disk{};
  // Before the first fetch there is no such folder.
  if (::statvfs(folder.c_str(), &disk) != 0 && ::statvfs(folder.parent_path().c_str(), &disk) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
}

}  // namespace

std::string no_room_for(std::uint64_t more, const Settings& settings) {
  const auto free = free_bytes(settings.folder);
  if (!free || (more <= *free && settings.keep_free <= *free - more)) return {};
  return byte_text(more, Rounded::up) + " are still to come, the disk of " + settings.folder.string() + " has " +
         byte_text(*free, Rounded::down) + " free, and " + byte_text(settings.keep_free, Rounded::up) +
         " of it stay free";
}

Failure no_room(std::string why) { return {Fault::no_room, std::move(why), "make room; it goes on by itself"}; }

Failure disk_failure(const fs::path& path) {
  const int cause = errno;
  if (cause == ENOSPC || cause == EDQUOT || cause == EFBIG)
    return no_room(path.string() + " cannot grow: " + std::strerror(cause));
  return {Fault::refused, path.string() + ": " + std::strerror(cause),
          "the folder must be the server's own, and writable"};
}

std::expected<void, Failure> sync_folder(const fs::path& folder) {
  const OpenFile opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.fd < 0 || ::fsync(opened.fd) != 0) return std::unexpected(disk_failure(folder));
  return {};
}

std::optional<ContentRange> content_range_of(std::string_view text) {
  constexpr std::string_view unit = "bytes ";
  if (!text.starts_with(unit)) return std::nullopt;
  text.remove_prefix(unit.size());
  const auto number = [](std::string_view digits) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size() ? std::optional(value) : std::nullopt;
  };
  const std::size_t dash = text.find('-'), slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto first = number(text.substr(0, std::min(dash, slash)));
  return ContentRange{first.value_or(0), number(text.substr(slash + 1))};
}

std::expected<void, Failure> Part::open() {
  file_.emplace(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file_->fd < 0) return std::unexpected(disk_failure(path_));
  std::vector<std::byte> block(block_bytes);
  for (;;) {
    if (progress_.stop.load()) return std::unexpected(Failure{Fault::cancelled, "the fetch was stopped", {}});
    const ssize_t n = ::read(file_->fd, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::unexpected(disk_failure(path_));
    if (n == 0) break;
    sha256_.add(std::span(block).first(static_cast<std::size_t>(n)));
    bytes_ += static_cast<std::uint64_t>(n);
  }
  tell();
  std::ifstream in(etag_path());
  std::getline(in, etag_);
  return {};
}

void Part::is_of(const std::string& etag) {
  const std::string strong = etag.starts_with('"') ? etag : std::string();
  if (strong == etag_) return;
  etag_ = strong;
  std::ofstream out(etag_path(), std::ios::trunc);
  out << etag_ << '\n';
}

bool Part::begin_anew() {
  sha256_.finish();
  bytes_ = 0;
  tell();
  return ::ftruncate(file_->fd, 0) == 0 && ::lseek(file_->fd, 0, SEEK_SET) == 0;
}

std::optional<Failure> Part::add(std::span<const std::byte> piece) {
  sha256_.add(piece);
  while (!piece.empty()) {
    const ssize_t n = ::write(file_->fd, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return disk_failure(path_);
    piece = piece.subspan(static_cast<std::size_t>(n));
    bytes_ += static_cast<std::uint64_t>(n);
    progress_.fetched += static_cast<std::uint64_t>(n);
  }
  tell();
  if (bytes_ < looked_at_ + room_looked_at_every) return std::nullopt;
  looked_at_ = bytes_;
  std::string why = no_room_for(0, settings_);
  return why.empty() ? std::nullopt : std::optional(no_room(std::move(why)));
}

std::expected<void, Failure> Part::keep_as(const fs::path& name) {
  if (::fsync(file_->fd) != 0 || ::rename(path_.c_str(), name.c_str()) != 0)
    return std::unexpected(disk_failure(path_));
  if (auto kept = sync_folder(name.parent_path()); !kept) return kept;
  std::error_code ignored;
  fs::remove(etag_path(), ignored);
  return {};
}

void Part::remove() {
  std::error_code ignored;
  fs::remove(path_, ignored);
  fs::remove(etag_path(), ignored);
}

void Part::will_have(std::uint64_t bytes) {
  if (among_.total == 0) progress_.total = bytes;
}

std::expected<bool, Failure> complete(Part& part, const std::string& url, std::uint64_t bytes_said,
                                      const Settings& settings, Progress& progress) {
  const std::uint64_t before = part.bytes();
  if (bytes_said > 0 && before == bytes_said) return true;
  bool resumed = before > 0;
  std::optional<Failure> why;
  std::optional<std::uint64_t> total;
  const auto stop = [&why](Failure failure) {
    why = std::move(failure);
    return false;
  };
  const auto begun = [&](const Answer& answer) {
    const std::string where = shown(answer.url);
    if (answer.status == 206) {
      const auto range = content_range_of(answer.content_range);
      if (!range || range->first != part.bytes() || before == 0) {
        part.begin_anew();
        return stop({Fault::later, where + " sends another part of the file than was asked for", {}});
      }
      total = range->total;
    } else {
      // It does not resume, or has another file now.
      if (part.bytes() > 0 && !part.begin_anew()) return stop(disk_failure(settings.folder));
      resumed = false;
      total = answer.length;
    }
    if (bytes_said > 0 && total && *total != bytes_said)
      return stop({Fault::wrong,
                   where + " has " + std::to_string(*total) + " bytes, and the hub says " + std::to_string(bytes_said),
                   "has the file changed there?"});
    if (total.value_or(0) > limits::fetch_file_bytes_max)
      return stop({Fault::refused, where + " is larger than any model", {}});
    part.will_have(total.value_or(0));
    part.is_of(answer.etag);
    if (std::string no = no_room_for(total.value_or(part.bytes()) - part.bytes(), settings); !no.empty())
      return stop(no_room(std::move(no)));
    return true;
  };
  const auto piece = [&](std::span<const std::byte> bytes) {
    if (part.bytes() + bytes.size() > total.value_or(bytes_said > 0 ? bytes_said : limits::fetch_file_bytes_max))
      return stop({Fault::later, shown(url) + " sends more than it announced", {}});
    if (auto failed = part.add(bytes)) return stop(std::move(*failed));
    return true;
  };
  Question question;
  question.url = url;
  question.from = before;
  if (before > 0) question.if_range = part.etag();
  Transfer transfer(settings.manners, progress.stop);
  const auto answer = transfer.ask(question, begun, piece);
  if (why) return std::unexpected(std::move(*why));
  if (!answer) return std::unexpected(answer.error());
  if (answer->status == 416) {  // nothing is left to come, or the part is of a longer file
    const auto range = content_range_of(answer->content_range);
    if (range && range->total == part.bytes()) return true;
    part.begin_anew();
    return std::unexpected(Failure{Fault::later, shown(answer->url) + " has fewer bytes than came before", {}});
  }
  if (answer->status != 200 && answer->status != 206) return std::unexpected(failure_of(*answer));
  if (total && part.bytes() != *total)
    return std::unexpected(Failure{Fault::later,
                                   shown(answer->url) + " broke off after " + std::to_string(part.bytes()) + " of " +
                                       std::to_string(*total) + " bytes",
                                   {}});
  return resumed;
}

}  // namespace faelled::fetch
