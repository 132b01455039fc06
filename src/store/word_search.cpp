#include "store/word_search.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace faelled::store {
namespace {

constexpr std::size_t excerpt_before_bytes = 40;
constexpr std::size_t excerpt_bytes = 120;

bool inside_character(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
}

}  // namespace

std::string folded(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto c = static_cast<unsigned char>(out[i]);
    if (c >= 'A' && c <= 'Z') {
      out[i] = static_cast<char>(c + 0x20);
    } else if (c == 0xC3 && i + 1 < out.size()) {  // U+00C0 to U+00DE but ×, in UTF-8
      const auto next = static_cast<unsigned char>(out[++i]);
      if (next >= 0x80 && next <= 0x9E && next != 0x97) out[i] = static_cast<char>(next + 0x20);
    }
  }
  return out;
}

std::vector<std::string> words_of_query(std::string_view query) {
  std::vector<std::string> out;
  const std::string text = folded(query.substr(0, limits::search_query_bytes_max));
  constexpr std::string_view blank = " \t\r\n";
  for (std::size_t at = text.find_first_not_of(blank);
       at != std::string::npos && out.size() < limits::search_words_max;) {
    const std::size_t end = std::min(text.find_first_of(blank, at), text.size());
    std::string word = text.substr(at, end - at);
    if (std::ranges::find(out, word) == out.end()) out.push_back(std::move(word));
    at = text.find_first_not_of(blank, end);
  }
  return out;
}

std::optional<std::string> excerpt_with(std::string_view text, const std::vector<std::string>& folded_words) {
  if (folded_words.empty()) return std::nullopt;
  const std::string low = folded(text);
  std::size_t first = std::string::npos;
  for (const std::string& word : folded_words) {
    const std::size_t at = low.find(word);
    if (at == std::string::npos) return std::nullopt;
    first = std::min(first, at);
  }
  std::size_t begin = first > excerpt_before_bytes ? first - excerpt_before_bytes : 0;
  while (begin < first && inside_character(text, begin)) ++begin;
  std::size_t end = std::min(begin + excerpt_bytes, text.size());
  while (end > begin && inside_character(text, end)) --end;
  std::string out(text.substr(begin, end - begin));
  std::ranges::replace_if(out, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return (begin > 0 ? "…" : "") + out + (end < text.size() ? "…" : "");
}

}  // namespace faelled::store
