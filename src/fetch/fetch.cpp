#include "fetch/fetch.hpp"

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

// Why `more` bytes do not fit; empty: they do.
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

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

// "bytes 10-19/20"; nothing where it is written otherwise.
struct ContentRange {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> total;
};
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

// A part on disk, hashed as far as it has come.
class Part {
 public:
  Part(fs::path path, const Settings& settings, Progress& progress)
      : path_(std::move(path)), settings_(settings), progress_(progress) {}

  std::expected<void, Failure> open() {
    file_.fd = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file_.fd < 0) return std::unexpected(disk_failure(path_));
    std::vector<std::byte> block(block_bytes);
    for (;;) {
      if (progress_.stop.load()) return std::unexpected(Failure{Fault::cancelled, "the fetch was stopped", {}});
      const ssize_t n = ::read(file_.fd, block.data(), block.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return std::unexpected(disk_failure(path_));
      if (n == 0) break;
      sha256_.add(std::span(block).first(static_cast<std::size_t>(n)));
      bytes_ += static_cast<std::uint64_t>(n);
    }
    progress_.bytes = bytes_;
    std::ifstream in(etag_path());
    std::getline(in, etag_);
    return {};
  }

  std::uint64_t bytes() const { return bytes_; }
  // Strong ones alone: a weak one may stand for other bytes.
  const std::string& etag() const { return etag_; }

  void is_of(const std::string& etag) {
    const std::string strong = etag.starts_with('"') ? etag : std::string();
    if (strong == etag_) return;
    etag_ = strong;
    std::ofstream out(etag_path(), std::ios::trunc);
    out << etag_ << '\n';
  }

  bool begin_anew() {
    sha256_.finish();
    bytes_ = 0;
    progress_.bytes = 0;
    return ::ftruncate(file_.fd, 0) == 0 && ::lseek(file_.fd, 0, SEEK_SET) == 0;
  }

  std::optional<Failure> add(std::span<const std::byte> piece) {
    sha256_.add(piece);
    while (!piece.empty()) {
      const ssize_t n = ::write(file_.fd, piece.data(), piece.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return disk_failure(path_);
      piece = piece.subspan(static_cast<std::size_t>(n));
      bytes_ += static_cast<std::uint64_t>(n);
      progress_.fetched += static_cast<std::uint64_t>(n);
    }
    progress_.bytes = bytes_;
    if (bytes_ < looked_at_ + room_looked_at_every) return std::nullopt;
    looked_at_ = bytes_;
    std::string why = no_room_for(0, settings_);
    return why.empty() ? std::nullopt : std::optional(no_room(std::move(why)));
  }

  crypto::Digest sha256() { return sha256_.finish(); }

  std::expected<void, Failure> keep_as(const fs::path& name) {
    if (::fsync(file_.fd) != 0 || ::rename(path_.c_str(), name.c_str()) != 0)
      return std::unexpected(disk_failure(path_));
    Descriptor folder{::open(name.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (folder.fd < 0 || ::fsync(folder.fd) != 0) return std::unexpected(disk_failure(name.parent_path()));
    std::error_code ignored;
    fs::remove(etag_path(), ignored);
    return {};
  }

  void remove() {
    std::error_code ignored;
    fs::remove(path_, ignored);
    fs::remove(etag_path(), ignored);
  }

 private:
  fs::path etag_path() const { return fs::path(path_) += ".etag"; }

  fs::path path_;
  const Settings& settings_;
  Progress& progress_;
  Descriptor file_;
  crypto::RunningSha256 sha256_;
  std::uint64_t bytes_ = 0;
  std::uint64_t looked_at_ = 0;
  std::string etag_;
};

// Brings the part to its end; true: some of it was there before.
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
    progress.total = total.value_or(0);
    part.is_of(answer.etag);
    if (std::string no = no_room_for(total.value_or(part.bytes()) - part.bytes(), settings); !no.empty())
      return stop(no_room(std::move(no)));
    return true;
  };
  const auto piece = [&](std::span<const std::byte> bytes) {
    if (part.bytes() + bytes.size() > total.value_or(limits::fetch_file_bytes_max))
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

Failure offline_failure(const Depot& depot, const Order& order) {
  const std::string where = order.sha256 ? depot.place(*order.sha256, order.source).string() : depot.folder().string();
  return {Fault::refused, "nothing is fetched here: downloads.offline is true",
          order.sha256 ? "copy the file there yourself, as " + where : "say its sha256, and copy it into " + where};
}

}  // namespace

std::expected<Found, Failure> look_at(const Order& order, const Settings& settings, const std::atomic<bool>& stop) {
  const Depot depot(settings.folder);
  if (settings.offline) return std::unexpected(offline_failure(depot, order));
  Transfer transfer(settings.manners, stop);
  Question question;
  question.url = url_of(order.source, settings.hub);
  question.head = true;
  question.within = limits::fetch_question_max;
  question.follow = !order.source.of_hub();
  auto answer = transfer.ask(question);
  if (!answer) return std::unexpected(answer.error());
  const auto unquoted = [](std::string_view etag) {
    if (etag.starts_with('"')) etag.remove_prefix(1);
    if (etag.ends_with('"')) etag.remove_suffix(1);
    return etag;
  };
  const auto of_hub = crypto::from_hex(unquoted(answer->linked_etag));
  Found found;
  found.bytes = answer->linked_size.value_or(0);
  if (order.source.of_hub() && (!of_hub || found.bytes == 0)) {
    if (answer->status >= 400) return std::unexpected(failure_of(*answer));
    // A hub without those headers, or a file that it keeps in another way.
    question.follow = true;
    answer = transfer.ask(question);
    if (!answer) return std::unexpected(answer.error());
  }
  if (found.bytes == 0) {
    if (answer->status == 403 || answer->status == 405 || answer->status == 501) {  // HEAD is not for everybody
      question.head = false;
      question.bytes = 1;
      answer = transfer.ask(question, [](const Answer&) { return false; }, [](auto) { return false; });
      if (!answer) return std::unexpected(answer.error());
      if (answer->status == 206)
        answer->length = content_range_of(answer->content_range).value_or(ContentRange{}).total;
    }
    if (answer->status != 200 && answer->status != 206) return std::unexpected(failure_of(*answer));
    found.bytes = answer->length.value_or(0);
  }
  if (!order.sha256 && !of_hub)
    return std::unexpected(
        Failure{Fault::no_hash, shown(question.url) + ": the hub does not say its SHA-256", "say it in sha256"});
  found.sha256 = order.sha256 ? *order.sha256 : *of_hub;
  if (order.sha256 && of_hub && *of_hub != *order.sha256)
    return std::unexpected(Failure{Fault::wrong,
                                   shown(question.url) + ": the hub says its SHA-256 is " + crypto::hex(*of_hub) +
                                       ", and sha256 says " + crypto::hex(*order.sha256),
                                   "one of the two is not the file you mean"});
  if (!depot.find(found.sha256)) {
    std::error_code ignored;
    const auto here = fs::file_size(Depot::part_of(depot.place(found.sha256, order.source)), ignored);
    const std::uint64_t had = ignored ? 0 : here;
    found.why_no_room = no_room_for(found.bytes - std::min<std::uint64_t>(had, found.bytes), settings);
  }
  return found;
}

std::expected<Fetched, Failure> fetch(const Order& order, const Settings& settings, Progress& progress) {
  const Depot depot(settings.folder);
  if (auto made = depot.make(); !made)
    return std::unexpected(Failure{Fault::refused, made.error().message, made.error().hint});
  auto sha256 = order.sha256 ? order.sha256 : depot.remembered(order.source);
  std::uint64_t bytes_said = 0;
  const auto here = [&]() -> std::optional<Fetched> {
    const auto file = sha256 ? depot.find(*sha256) : std::nullopt;
    if (!file) return std::nullopt;
    std::error_code ignored;
    return Fetched{*file, *sha256, fs::file_size(*file, ignored)};
  };
  if (const auto file = here()) return *file;
  if (settings.offline) return std::unexpected(offline_failure(depot, order));
  if (!sha256) {
    const auto found = look_at(order, settings, progress.stop);
    if (!found) return std::unexpected(found.error());
    sha256 = found->sha256;
    bytes_said = found->bytes;
    if (auto kept = depot.remember(order.source, *sha256); !kept)
      return std::unexpected(Failure{Fault::refused, kept.error().message, kept.error().hint});
    if (const auto file = here()) return *file;
  }
  const std::string url = url_of(order.source, settings.hub);
  const fs::path name = depot.place(*sha256, order.source);
  crypto::Digest came{};
  for (int tries = 0; tries < 2; ++tries) {
    Part part(Depot::part_of(name), settings, progress);
    if (auto opened = part.open(); !opened) return std::unexpected(opened.error());
    const auto resumed = complete(part, url, bytes_said, settings, progress);
    if (!resumed) {
      if (resumed.error().fault == Fault::wrong) part.remove();
      return std::unexpected(resumed.error());
    }
    came = part.sha256();
    if (came == *sha256) {
      if (auto kept = part.keep_as(name); !kept) return std::unexpected(kept.error());
      return Fetched{name, *sha256, part.bytes()};
    }
    part.remove();
    if (!*resumed) break;  // else the file may have changed since the part came: once more from its beginning
  }
  if (!order.sha256) depot.forget(order.source);  // the hub may have another file now: it is asked again when ordered
  return std::unexpected(Failure{
      Fault::wrong,
      shown(url) + " is another file: its SHA-256 is " + crypto::hex(came) + ", and it must be " + crypto::hex(*sha256),
      "nothing of it was kept; is sha256 right, and does a proxy change files?"});
}

std::size_t Peek::read(std::uint64_t offset, std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::uint64_t at = offset + done;
    if (at >= piece_at_ && at < piece_at_ + piece_.size()) {
      const std::size_t from = static_cast<std::size_t>(at - piece_at_);
      const std::size_t n = std::min(out.size() - done, piece_.size() - from);
      std::copy_n(piece_.begin() + static_cast<std::ptrdiff_t>(from), n,
                  out.begin() + static_cast<std::ptrdiff_t>(done));
      done += n;
      continue;
    }
    const Duration left = 3 * limits::fetch_question_max - (std::chrono::steady_clock::now() - begun_);
    if (questions_ == limits::fetch_questions_max || left < 1s) return done;
    ++questions_;
    piece_.clear();
    piece_at_ = at;
    Question question;
    question.url = url_;
    question.from = at;
    question.bytes = limits::fetch_piece_bytes;
    question.within = std::min<Duration>(left, limits::fetch_question_max);
    const auto answer = transfer_.ask(
        question,
        [&](const Answer& told) {
          const auto range = content_range_of(told.content_range);
          return told.status == 206 && range && range->first == at;
        },
        [&](std::span<const std::byte> bytes) {
          piece_.insert(piece_.end(), bytes.begin(), bytes.end());
          return piece_.size() < limits::fetch_piece_bytes;
        });
    if (!answer || piece_.empty()) return done;
  }
  return done;
}

}  // namespace faelled::fetch
