#include "decisions/chain.hpp"

#include <algorithm>
#include <vector>

#include "base/whole_number.hpp"
#include "crypto/digest.hpp"

namespace faelled::decisions {
namespace {

constexpr std::size_t head_bytes = 64;
constexpr std::string_view file_version = "1";

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// What a line's head is the digest of: "HEAD NUMBER TEXT".
void write_vouched(std::string& out, std::string_view head, std::uint64_t number, std::string_view text) {
  out += head;
  out += ' ';
  out += std::to_string(number);
  out += ' ';
  out += text;
}

}  // namespace

std::string head_after(std::string_view head, std::uint64_t number, std::string_view text) {
  std::string all;
  write_vouched(all, head, number, text);
  return crypto::hex(crypto::sha256(all));
}

void Chain::seal(std::string& out, std::string_view text) {
  ++lines_;
  scratch_.clear();
  write_vouched(scratch_, head_, lines_, text);
  const std::size_t line = head_.size() + 1;
  head_ = crypto::hex(crypto::sha256(scratch_));
  out.append(scratch_, line);
  out += ' ';
  out += head_;
  out += '\n';
}

bool is_head(std::string_view text) {
  return text.size() == head_bytes &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::optional<SealedLine> read_sealed(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first >= last) return std::nullopt;
  SealedLine out;
  out.text = line.substr(first + 1, last - first - 1);
  out.head = line.substr(last + 1);
  const auto number = whole_number<std::uint64_t>(line.substr(0, first));
  if (!number || !is_head(out.head)) return std::nullopt;
  out.number = *number;
  return out;
}

std::string text_of(const FileHead& head) {
  return "file " + std::string(file_version) + " " + head.name + " " + head.previous + " " +
         std::to_string(head.previous_lines) + " " + head.previous_head + " " + std::to_string(head.begun_us);
}

std::optional<FileHead> read_file_head(std::string_view text) {
  const auto words = words_of(text);
  FileHead out;
  if (words.size() != 7 || words[0] != "file" || words[1] != file_version) return std::nullopt;
  out.name = words[2];
  out.previous = words[3];
  out.previous_head = words[5];
  const auto previous_lines = whole_number<std::uint64_t>(words[4]);
  const auto begun_us = whole_number<std::int64_t>(words[6]);
  const bool none = out.previous == no_head;
  if (!previous_lines || !begun_us) return std::nullopt;
  out.previous_lines = *previous_lines;
  out.begun_us = *begun_us;
  if (!is_file_name(out.name) || (!none && !is_file_name(out.previous))) return std::nullopt;
  if (out.previous_head != no_head && !is_head(out.previous_head)) return std::nullopt;
  if (none && (out.previous_head != no_head || out.previous_lines != 0)) return std::nullopt;
  return out;
}

bool is_file_name(std::string_view name) {
  constexpr std::string_view pattern = "dddd-dd-dd-dddddd.log";
  return std::ranges::equal(name, pattern, [](char c, char p) { return p == 'd' ? c >= '0' && c <= '9' : c == p; });
}

}  // namespace faelled::decisions
