#include "decisions/log_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/day.hpp"
#include "commons/event_text.hpp"
#include "decisions/disk.hpp"
#include "decisions/heads.hpp"
#include "decisions/pseudonyms.hpp"

namespace faelled::decisions {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view heads_file = "heads.txt";
constexpr std::size_t day_bytes = 10;
constexpr unsigned serials = 1'000'000;  // of a day

std::string day_of(WallTime wall) { return day_text(std::chrono::floor<std::chrono::days>(wall)); }

// Behind the newest one, also when the clock was put back.
std::string next_name(const std::string& newest, WallTime wall) {
  std::string day = day_of(wall);
  unsigned serial = 1;
  if (!newest.empty() && newest.substr(0, day_bytes) >= day) {
    day = newest.substr(0, day_bytes);
    serial = static_cast<unsigned>(std::stoul(newest.substr(day_bytes + 1, 6)) % serials) + 1;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "-%06u.log", serial);
  return day + text.data();
}

std::string times(std::string_view what, Instant now, WallTime wall) {
  return std::string(what) + " " + std::to_string(unix_micros(wall)) + " " +
         std::to_string(now.time_since_epoch().count());
}

}  // namespace

Expected<std::unique_ptr<LogWriter>> LogWriter::open(LogOptions options, Instant now, WallTime wall) {
  std::unique_ptr<LogWriter> log(new LogWriter(std::move(options)));
  const fs::path& folder = log->options_.folder;
  auto there = log_files(folder);
  if (!there && there.error().code != Errc::not_found) return std::unexpected(there.error());
  std::vector<std::string> names = std::move(there).value_or(std::vector<std::string>{});
  std::error_code code;
  Expected<std::string> content;
  for (; !names.empty(); names.pop_back()) {
    content = read_file(folder / names.back());
    if (!content) return std::unexpected(content.error());
    if (content->contains('\n')) break;
    fs::remove(folder / names.back(), code);  // killed before its first line was whole: there is nothing in it
  }
  if (!names.empty()) {
    log->name_ = names.back();
    const Head last = head_of(log->name_, *content);
    log->chain_ = Chain(last.head, last.lines);
    // The run before had no chance to say where it ended.
    const auto told = read_file(folder / heads_file);
    if (last.lines > 0 && (!told || !told->contains(" " + last.file + " ")))
      if (auto added = append(folder / heads_file, text_of(last) + "\n"); !added) return std::unexpected(added.error());
  }
  std::string opened = times("open", now, wall) + " ";
  commons::write_settings(opened, log->options_.settings);
  if (auto begun = log->begin_file(wall, opened); !begun) return std::unexpected(begun.error());
  return log;
}

LogWriter::~LogWriter() {
  (void)write_out();
  if (fd_ >= 0) ::close(fd_);
}

Expected<void> LogWriter::begin_file(WallTime wall, const std::string& second) {
  const std::string name = next_name(name_, wall);
  FileHead head;
  head.name = name;
  head.begun_us = unix_micros(wall);
  if (!name_.empty()) {
    head.previous = name_;
    head.previous_lines = chain_.lines();
    head.previous_head = chain_.head();
  } else {
    head.previous = head.previous_head = no_head;
  }
  const int fd = ::open((options_.folder / name).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail(Errc::io,
                (options_.folder / name).string() + " cannot be made: " + std::generic_category().message(errno),
                "check the rights and the free space");
  const Expected<void> ended = end_file();
  fd_ = fd;
  name_ = name;
  file_bytes_ = 0;
  chain_ = Chain(chain_.head());
  chain_.seal(pending_, text_of(head));
  chain_.seal(pending_, second);
  remove_old(wall);
  const Expected<void> written = write_out();
  return written ? ended : written;
}

Expected<void> LogWriter::write_out() {
  if (fd_ < 0) return {};
  // First, so that no pseudonym is in the log that nobody can resolve.
  if (!pseudonyms_.empty()) {
    if (auto saved = append(options_.folder / pseudonyms_file, pseudonyms_); !saved) return saved;
    pseudonyms_.clear();
  }
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const ssize_t wrote = ::write(fd_, rest.data(), rest.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      const int code = wrote < 0 ? errno : EIO;
      pending_.erase(0, pending_.size() - rest.size());
      return fail(Errc::io, path().string() + " cannot be written: " + std::generic_category().message(code),
                  "free space on the disk of the data folder");
    }
    file_bytes_ += static_cast<std::size_t>(wrote);
    rest.remove_prefix(static_cast<std::size_t>(wrote));
  }
  pending_.clear();
  return {};
}

Expected<void> LogWriter::write(const Unwritten& more, Instant now, WallTime wall) {
  pseudonyms_ += more.pseudonyms;
  for (std::string_view rest = more.lines; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
    chain_.seal(pending_, rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  if (more.lost > 0) chain_.seal(pending_, "lost " + std::to_string(more.lost));
  if (auto written = write_out(); !written) return written;
  if (file_bytes_ < options_.file_bytes_max && name_.substr(0, day_bytes) >= day_of(wall)) return {};
  return begin_file(wall, times("goes-on", now, wall));
}

Expected<void> LogWriter::end_file() {
  if (fd_ < 0) return {};
  (void)::fdatasync(fd_);  // a promise for a power cut alone; the next line is not worth less without it
  ::close(fd_);
  fd_ = -1;
  const Head head{name_.substr(0, day_bytes), name_, chain_.lines(), chain_.head()};
  return append(options_.folder / heads_file, text_of(head) + "\n");
}

Expected<void> LogWriter::close(Instant now, WallTime wall) {
  if (auto written = write({}, now, wall); !written) return written;
  chain_.seal(pending_, times("close", now, wall));
  if (auto written = write_out(); !written) return written;
  return end_file();
}

void LogWriter::remove_old(WallTime wall) {
  const std::string oldest = day_of(wall - std::chrono::duration_cast<std::chrono::microseconds>(options_.kept));
  // What cannot be read today is looked at again tomorrow.
  const std::vector<std::string> names = log_files(options_.folder).value_or(std::vector<std::string>{});
  std::uint64_t bytes = 0;
  std::error_code code;
  for (const std::string& name : names)
    if (const auto size = fs::file_size(options_.folder / name, code); !code) bytes += size;
  for (const std::string& name : names) {
    if (name == name_ || (name.substr(0, day_bytes) >= oldest && bytes <= options_.bytes_max)) return;
    const auto size = fs::file_size(options_.folder / name, code);
    if (fs::remove(options_.folder / name, code)) bytes -= std::min<std::uint64_t>(bytes, size);
  }
}

}  // namespace faelled::decisions
