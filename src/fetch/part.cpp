#include "fetch/part.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "base/byte_text.hpp"
#include "base/limits.hpp"
#include "base/whole_file.hpp"
#include "base/whole_number.hpp"
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

std::expected<void, Failure> write_note(const fs::path& path, std::string_view text) {
  fs::path draft = path;
  draft += ".new";
  std::error_code ignored;
  fs::remove(draft, ignored);  // no link that lies there is followed
  if (write_whole(path, text)) return {};
  const Failure failure = disk_failure(path);
  fs::remove(draft, ignored);
  return std::unexpected(failure);
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
  constexpr auto number = whole_number<std::uint64_t>;
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
  if (write_note(etag_path(), etag_ + '\n')) return;
  std::error_code ignored;
  fs::remove(etag_path(), ignored);  // the next try asks without one
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

namespace {

// One answer on its way into a part.
struct Arriving {
  Part& part;
  const Whole& whole;
  const Settings& settings;
  std::uint64_t before = part.bytes();
  std::uint64_t due = whole.bytes;  // 0: nobody has said yet
  bool resumed = before > 0;
  std::optional<Failure> why = {};  // it was stopped

  bool stop(Failure failure) {
    why = std::move(failure);
    return false;
  }
  bool begun(const Answer& answer);
  bool take(std::span<const std::byte> piece);
};

bool Arriving::begun(const Answer& answer) {
  const std::string where = shown(answer.url);
  const auto of_hub = linked_sha256(answer);
  if (of_hub && whole.sha256 && *of_hub != *whole.sha256)
    return stop({Fault::wrong,
                 shown(whole.url) + ": the hub says its SHA-256 is " + crypto::hex(*of_hub) + ", and it must be " +
                     crypto::hex(*whole.sha256),
                 "has the file changed there?"});
  const auto range = content_range_of(answer.content_range);
  if (answer.status == 206 && (!range || range->first != before || before == 0)) {
    part.begin_anew();
    return stop({Fault::later, where + " sends another part of the file than was asked for", {}});
  }
  const auto total = answer.status == 206 ? range->total : answer.length;
  if (due == 0) due = answer.linked_size.value_or(0);
  if (due > 0 && total && *total != due)
    return stop({before > 0 ? Fault::later : Fault::wrong,
                 where + " has " + std::to_string(*total) + " bytes, and the hub says " + std::to_string(due),
                 "has the file changed there, or does a proxy answer in its place?"});
  due = total.value_or(due);
  if (answer.status == 206 && due > 0 && due < before)
    return stop({Fault::later, where + " sends what lies behind the file's end", {}});
  if (due > limits::fetch_file_bytes_max) return stop({Fault::refused, where + " is larger than any model", {}});
  if (answer.status == 200) {  // it does not resume, or has another file now
    if (before > 0 && !part.begin_anew()) return stop(disk_failure(settings.folder));
    resumed = false;
  }
  part.will_have(due);
  if (!whole.of_hub) part.is_of(answer.etag);
  if (std::string no = no_room_for(due > 0 ? due - part.bytes() : 0, settings); !no.empty())
    return stop(no_room(std::move(no)));
  return true;
}

bool Arriving::take(std::span<const std::byte> piece) {
  if (part.bytes() + piece.size() > (due > 0 ? due : limits::fetch_file_bytes_max))
    return stop({Fault::later, shown(whole.url) + " sends more than it announced", {}});
  if (auto failed = part.add(piece)) return stop(std::move(*failed));
  return true;
}

}  // namespace

std::expected<bool, Failure> complete(Part& part, const Whole& whole, const Settings& settings, Progress& progress) {
  if (whole.bytes > 0 && part.bytes() > whole.bytes && !part.begin_anew())
    return std::unexpected(disk_failure(settings.folder));
  if (whole.bytes > 0 && part.bytes() == whole.bytes) return true;
  Arriving arriving{part, whole, settings};
  Question question;
  question.url = whole.url;
  question.from = arriving.before;
  if (arriving.before > 0 && !whole.of_hub) question.if_range = part.etag();
  Transfer transfer(settings.manners, progress.stop);
  const auto answer = transfer.ask(
      question, [&](const Answer& told) { return arriving.begun(told); },
      [&](std::span<const std::byte> piece) { return arriving.take(piece); });
  if (arriving.why) return std::unexpected(std::move(*arriving.why));
  if (!answer) return std::unexpected(answer.error());
  if (answer->status == 416) {  // nothing is left to come, or the part is of a longer file
    const auto range = content_range_of(answer->content_range);
    if (range && range->total == part.bytes()) return true;
    part.begin_anew();
    return std::unexpected(Failure{Fault::later, shown(answer->url) + " has fewer bytes than came before", {}});
  }
  if (answer->status != 200 && answer->status != 206) return std::unexpected(failure_of(*answer));
  if (arriving.due > 0 && part.bytes() != arriving.due)
    return std::unexpected(Failure{Fault::later,
                                   shown(answer->url) + " broke off after " + std::to_string(part.bytes()) + " of " +
                                       std::to_string(arriving.due) + " bytes",
                                   {}});
  return arriving.resumed;
}

}  // namespace faelled::fetch
