// EngineLog: what an engine printed, for the operator who asks why a model does not load. Bounded: one file and one
// older one. An engine prints a request's grammar or a template's error with the user's words in it, whatever its
// verbosity (seen on llama.cpp 0.5.0), so from the moment it serves, its lines are only counted, and of a few known
// deaths the place in the engine's source is noted in our own words. Owned by the node, loop's thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace faelled::node {

class EngineLog {
 public:
  // Opens or creates `path` (mode 0600) and goes on at its end.
  static Expected<EngineLog> open(std::string path);
  ~EngineLog();
  EngineLog(EngineLog&& other) noexcept;
  EngineLog& operator=(EngineLog&&) = delete;

  // A line of our own.
  void note(std::string_view line);
  // Bytes as they came from the engine; lines may be cut anywhere.
  void take(std::string_view bytes);
  // No more will come: what stands there is a line, though nothing ended it.
  void finish() { finish_line(); }
  // From here on the engine may hold people's words.
  void now_serving() {
    serving_ = true;
    complaint_.clear();  // it came up in spite of that
  }

  // What the engine complained about first while it loaded (the rest follows from that), or how it died after; empty:
  // nothing.
  const std::string& complaint() const { return complaint_; }
  std::uint64_t lines_withheld() const { return withheld_; }

 private:
  EngineLog(std::string path, int fd, std::size_t bytes) : path_(std::move(path)), fd_(fd), bytes_(bytes) {}
  void finish_line();
  void write_line(std::string_view line);

  std::string path_;
  int fd_;
  std::size_t bytes_;
  bool serving_ = false;
  std::string line_;
  std::string complaint_;
  std::uint64_t withheld_ = 0;
};

// The name of a model's file without its ending: what is no plain letter becomes '_'.
std::string file_name_of(std::string model);

// The file in `logs` of a model's engine; of a further one, the device on which it runs beside the first.
std::string log_name_of(const std::string& model, const std::string& further_on = {});
// The devices of further engines that have a log there, now or before; sorted.
std::vector<std::string> further_logs_of(const std::filesystem::path& logs, const std::string& model);

// "assertion failed at ggml.c:123" and its kind for a line that says so, else empty. Never anything else of the line.
std::string death_in_words(std::string_view line);

}  // namespace faelled::node
