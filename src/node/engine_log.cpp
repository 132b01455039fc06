#include "node/engine_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/folder.hpp"
#include "base/limits.hpp"

namespace faelled::node {

namespace {

// "RuntimeError: …" and its kind, behind what vLLM writes before each line: "(EngineCore pid=7) ERROR … [core.py:9] ".
std::string_view python_complaint_in(std::string_view line) {
  if (const auto usage = line.find(": error: "); usage != std::string_view::npos) return line.substr(usage + 2);
  if (line.starts_with('(')) line = line.substr(std::min(line.find(") ") + 2, line.size()));
  if (line.starts_with("ERROR ")) line = line.substr(std::min(line.find("] ") + 2, line.size()));
  const auto name = line.substr(0, line.find(": "));
  const bool plain = std::ranges::all_of(
      name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; });
  return plain && name.size() < line.size() && (name.ends_with("Error") || name.ends_with("Exception"))
             ? line
             : std::string_view{};
}

// What a line complains about, or nothing. llama.cpp's "0.00.006.811 E gguf_init: …" has its level as a letter; its
// start-up errors come without.
std::string_view complaint_in(std::string_view line) {
  auto space = line.find(' ');
  if (space != std::string_view::npos && line.substr(space).starts_with(" E ")) return line.substr(space + 3);
  return line.starts_with("error") ? line : python_complaint_in(line);
}

}  // namespace

std::string file_name_of(std::string model) {
  for (char& c : model) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!plain && c != '.') c = '_';
  }
  return model;
}

std::string log_name_of(const std::string& model, const std::string& further_on) {
  return file_name_of(model) + (further_on.empty() ? "" : "@" + further_on) + ".log";
}

std::vector<std::string> further_logs_of(const std::filesystem::path& logs, const std::string& model) {
  const std::string before = file_name_of(model) + "@", after = ".log";
  std::vector<std::string> devices;
  for (const auto& file : entries_of(logs)) {
    const std::string name = file.path().filename().string();
    if (name.size() > before.size() + after.size() && name.starts_with(before) && name.ends_with(after))
      devices.push_back(name.substr(before.size(), name.size() - before.size() - after.size()));
  }
  std::ranges::sort(devices);
  return devices;
}

Expected<EngineLog> EngineLog::open(std::string path) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  struct stat info{};
  if (fd < 0 || ::fstat(fd, &info) != 0) {
    auto why = fmt::format("engine log {}: {}", path, std::strerror(errno));
    if (fd >= 0) ::close(fd);
    return fail(Errc::io, std::move(why), "make the data folder writable for the server's user");
  }
  return EngineLog(std::move(path), fd, static_cast<std::size_t>(info.st_size));
}

EngineLog::EngineLog(EngineLog&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      bytes_(other.bytes_),
      serving_(other.serving_),
      line_(std::move(other.line_)),
      complaint_(std::move(other.complaint_)),
      withheld_(other.withheld_) {}

EngineLog::~EngineLog() {
  if (fd_ >= 0) ::close(fd_);
}

void EngineLog::note(std::string_view line) { write_line(fmt::format("-- {}", line)); }

void EngineLog::take(std::string_view bytes) {
  for (char c : bytes) {
    if (c == '\n') {
      finish_line();
    } else if (line_.size() < limits::engine_log_line_bytes_max) {
      line_ += c;
    }
  }
}

void EngineLog::finish_line() {
  auto line = std::exchange(line_, {});
  if (line.empty()) return;
  if (!serving_) {
    if (complaint_.empty()) complaint_ = complaint_in(line);
    write_line(line);
    return;
  }
  auto death = death_in_words(line);
  if (death.empty()) {
    ++withheld_;
  } else {
    complaint_ = death;
    note(death);
  }
}

void EngineLog::write_line(std::string_view line) {
  if (bytes_ + line.size() + 1 > limits::engine_log_bytes_max) {
    int fresh = -1;
    if (::rename(path_.c_str(), (path_ + ".1").c_str()) == 0) {
      fresh = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    if (fresh < 0) return;  // a full disk must not stop an engine; its lines are lost
    ::close(std::exchange(fd_, fresh));
    bytes_ = 0;
  }
  std::string text(line);
  text += '\n';
  auto written = ::write(fd_, text.data(), text.size());
  if (written > 0) bytes_ += static_cast<std::size_t>(written);
}

std::string death_in_words(std::string_view line) {
  for (std::string_view mark : {": GGML_ASSERT(", ": GGML_ABORT", ": fatal error"}) {
    auto end = line.find(mark);
    if (end == std::string_view::npos) continue;
    auto place = line.substr(0, end);
    if (auto slash = place.rfind('/'); slash != std::string_view::npos) place.remove_prefix(slash + 1);
    auto colon = place.find(':');
    auto is_name = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
    };
    auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (colon == std::string_view::npos || colon == 0 || place.size() > 60) continue;
    auto file = place.substr(0, colon);
    auto number = place.substr(colon + 1);
    if (!std::ranges::all_of(file, is_name) || number.empty() || !std::ranges::all_of(number, is_digit)) continue;
    if (!file.ends_with(".cpp") && !file.ends_with(".c") && !file.ends_with(".cu") && !file.ends_with(".h")) continue;
    return fmt::format("the engine gave up at {}:{}", file, number);
  }
  if (line == "terminate called after throwing an instance of 'std::bad_alloc'") return "the engine ran out of memory";
  return {};
}

}  // namespace faelled::node
