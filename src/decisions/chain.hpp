// Chain: lines that vouch for each other. Each ends with the SHA-256 of the head before it and of its own number and
// text, so that a changed, missing or moved line is seen at its place, and the last head vouches for all. A file begins
// with the head of the file before. Values; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faelled::decisions {

inline constexpr std::string_view no_head = "-";  // before the very first line

// 64 hexadecimal digits: SHA-256 of "HEAD NUMBER TEXT".
std::string head_after(std::string_view head, std::uint64_t number, std::string_view text);

class Chain {
 public:
  explicit Chain(std::string_view head = no_head, std::uint64_t lines = 0) : head_(head), lines_(lines) {}

  // Appends "NUMBER TEXT HEAD" and a newline.
  void seal(std::string& out, std::string_view text);

  const std::string& head() const { return head_; }
  std::uint64_t lines() const { return lines_; }

 private:
  std::string head_;
  std::string scratch_;  // kept for its room
  std::uint64_t lines_;  // of this file
};

struct SealedLine {
  std::uint64_t number = 0;
  std::string_view text;
  std::string_view head;
};

// Nothing for what was never sealed. The line comes without its newline.
std::optional<SealedLine> read_sealed(std::string_view line);

bool is_head(std::string_view text);  // 64 digits, in lower case

// The first line's text: which file this is, and which came before.
struct FileHead {
  std::string name;      // 2026-11-25-000001.log
  std::string previous;  // no_head: none
  std::uint64_t previous_lines = 0;
  std::string previous_head;  // no_head: none
  std::int64_t begun_us = 0;  // since 1970
  bool operator==(const FileHead&) const = default;
};
std::string text_of(const FileHead& head);
std::optional<FileHead> read_file_head(std::string_view text);

// Whether it is the name of a file of the log, and nothing else.
bool is_file_name(std::string_view name);

}  // namespace faelled::decisions
