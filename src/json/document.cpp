#include "json/document.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <limits>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "base/limits.hpp"
#include "json/tokens.hpp"

namespace faelled::json {
namespace {

constexpr std::size_t kept_bytes_max = 256 * 1024;  // a larger text gets buffers that the next parse() gives back
constexpr std::size_t compared_pairwise_max = 8;

std::unexpected<Error> refuse(simdjson::error_code code) {
  switch (code) {
    case simdjson::EMPTY:
      return fail(Errc::invalid, "The text is empty; JSON was expected.");
    case simdjson::DEPTH_ERROR:
      return fail(Errc::invalid,
                  "The JSON is nested deeper than " + std::to_string(limits::json_depth_max) + " levels.");
    case simdjson::UTF8_ERROR:
      return fail(Errc::invalid, "The text is not valid UTF-8.");
    case simdjson::UNCLOSED_STRING:
      return fail(Errc::invalid, "The JSON ends inside a string.");
    case simdjson::STRING_ERROR:
      return fail(Errc::invalid, "The JSON holds a string with a broken escape or half of a surrogate pair.");
    case simdjson::UNESCAPED_CHARS:
      return fail(Errc::invalid, "The JSON holds a control character that is not escaped in a string.");
    case simdjson::NUMBER_ERROR:
      return fail(Errc::invalid, "The JSON holds a number that is malformed or out of range.");
    case simdjson::MEMALLOC:
      return fail(Errc::exhausted, "There is no memory for a text of this size.");
    default:
      return fail(Errc::invalid, "The text is not valid JSON.");
  }
}

}  // namespace

struct Document::Parser {
  simdjson::dom::parser simd;
  std::unique_ptr<char[]> padded;  // simdjson reads up to SIMDJSON_PADDING bytes behind the end
  std::size_t capacity = 0;
  std::vector<std::uint32_t> match;
  std::vector<std::string_view> names;
  std::deque<std::string> unescaped;
  Tokens tokens;

  bool reserve(std::size_t bytes);
  std::string twice;  // a name that stands twice in one object
  bool link();
  bool names_unique(std::uint32_t open, std::uint32_t close);
};

bool Document::Parser::reserve(std::size_t bytes) {
  const bool give_back = capacity > kept_bytes_max && bytes <= kept_bytes_max;
  if (bytes <= capacity && !give_back) return true;
  std::size_t wanted = 4096;
  while (wanted < bytes) wanted *= 2;
  if (wanted > kept_bytes_max) wanted = std::max(bytes, kept_bytes_max);
  simd = simdjson::dom::parser(std::numeric_limits<std::uint32_t>::max());
  match = {};
  capacity = 0;
  if (simd.allocate(wanted, limits::json_depth_max) != simdjson::SUCCESS) return false;
  padded = std::make_unique_for_overwrite<char[]>(wanted + simdjson::SIMDJSON_PADDING);
  capacity = wanted;
  return true;
}

// Finds each bracket's other end and looks at the names of each object when it closes.
bool Document::Parser::link() {
  std::array<std::uint32_t, limits::json_depth_max + 1> open;
  std::size_t depth = 0;
  if (match.size() < tokens.count) match.resize(tokens.count);
  tokens.match = match.data();
  for (std::uint32_t token = 0; token < tokens.count; ++token) {
    switch (tokens.first_char(token)) {
      case '{':
      case '[':
        FAELLED_CHECK(depth < open.size(), "the parser has bounded the depth");
        open[depth++] = token;
        break;
      case '}':
      case ']': {
        FAELLED_CHECK(depth > 0, "the parser has proven the brackets balanced");
        const std::uint32_t begin = open[--depth];
        match[begin] = token;
        if (tokens.first_char(begin) == '{' && !names_unique(begin, token)) return false;
        break;
      }
      default:
        break;
    }
  }
  FAELLED_CHECK(depth == 0, "the parser has proven the brackets balanced");
  return true;
}

bool Document::Parser::names_unique(std::uint32_t open, std::uint32_t close) {
  if (close - open <= 4) return true;  // { name : value }
  names.clear();
  unescaped.clear();
  for (std::uint32_t name = open + 1; name < close; name = tokens.after(name + 2) + 1) {
    std::string_view inside = tokens.inside(name);
    if (inside.find('\\') != inside.npos) {
      append_unescaped(unescaped.emplace_back(), inside);
      inside = unescaped.back();
    }
    names.push_back(inside);
  }
  if (names.size() <= compared_pairwise_max) {
    for (std::size_t i = 1; i < names.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (names[i] != names[j]) continue;
        twice = names[i];
        return false;
      }
    }
    return true;
  }
  std::ranges::sort(names);
  const auto same = std::ranges::adjacent_find(names);
  if (same == names.end()) return true;
  twice = *same;
  return false;
}

Document::Document() : parser_(std::make_unique<Parser>()) {}
Document::~Document() = default;

const std::string& Document::name_that_stands_twice() const { return parser_->twice; }

Expected<Value> Document::parse(std::string_view text) {
  Parser& parser = *parser_;
  if (text.empty()) return refuse(simdjson::EMPTY);
  if (text.size() >= std::numeric_limits<std::uint32_t>::max()) return fail(Errc::too_large, "The text is over 4 GiB.");
  if (!parser.reserve(text.size())) return refuse(simdjson::MEMALLOC);

  std::memcpy(parser.padded.get(), text.data(), text.size());
  std::memset(parser.padded.get() + text.size(), 0, simdjson::SIMDJSON_PADDING);
  const auto code = parser.simd.parse(parser.padded.get(), text.size(), false).error();
  if (code != simdjson::SUCCESS) return refuse(code);
  const auto& stage_one = *parser.simd.implementation;
  parser.tokens = {.text = text.data(),
                   .text_bytes = text.size(),
                   .at = stage_one.structural_indexes.get(),
                   .count = stage_one.n_structural_indexes,
                   .match = nullptr};
  parser.twice.clear();
  if (!parser.link()) return fail(Errc::invalid, "The JSON holds an object with two members of the same name.");
  return Value(&parser.tokens, 0);
}

}  // namespace faelled::json
