#include <algorithm>
#include <charconv>

#include "config/agreements.hpp"
#include "config/fields.hpp"

namespace faelled::config {
namespace {

constexpr std::size_t problems_max = 50;
constexpr std::string_view mark = "\xEF\xBB\xBF";  // of UTF-8, as spreadsheets write it

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\r')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

std::vector<std::string_view> fields_of(std::string_view line, char between) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t end = std::min(line.find(between), line.size());
    out.push_back(trimmed(line.substr(0, end)));
    if (end == line.size()) return out;
    line.remove_prefix(end + 1);
  }
}

char between_of(std::string_view heading) {
  for (const char candidate : {';', '\t'})
    if (heading.contains(candidate)) return candidate;
  return ',';
}

class Reading {
 public:
  explicit Reading(ParsedInhabitants& into) : into_(into) {}

  void line(std::string_view text, std::size_t number) {
    line_ = number;
    if (trimmed(text).empty()) return;
    if (!heading_read_) return heading(text);
    const auto fields = fields_of(text, between_);
    const std::size_t last = std::max(member_, inhabitants_);
    if (fields.size() <= last) return wrong("this line has too few fields", "write it as aarhus,367095");
    const std::string member(fields[member_]);
    std::uint64_t count = 0;
    const std::string_view written = fields[inhabitants_];
    const auto read = std::from_chars(written.data(), written.data() + written.size(), count);
    const bool whole = !written.empty() && read.ec == std::errc() && read.ptr == written.data() + written.size();
    if (!whole || count < 1 || count > limits::inhabitants_max)
      return wrong(in_quotes(written) + " is no number of inhabitants", "digits alone, without points or spaces");
    if (member.empty() || member.size() > limits::member_id_bytes_max)
      return wrong(in_quotes(member) + " is no member's id", "the id, as `faelled member list` shows it");
    if (!into_.of.emplace(member, count).second)
      wrong("member " + in_quotes(member) + " stands twice", "keep one of the two");
  }

  void end() {
    if (!heading_read_) wrong("there is no heading", "begin with the line member,inhabitants");
  }

 private:
  void heading(std::string_view text) {
    heading_read_ = true;
    between_ = between_of(text);
    const auto names = fields_of(text, between_);
    const auto member = std::ranges::find(names, "member"), inhabitants = std::ranges::find(names, "inhabitants");
    if (member == names.end() || inhabitants == names.end())
      return wrong("the heading names no member or no inhabitants", "begin with the line member,inhabitants");
    member_ = static_cast<std::size_t>(member - names.begin());
    inhabitants_ = static_cast<std::size_t>(inhabitants - names.begin());
  }

  void wrong(std::string message, std::string hint) {
    if (into_.problems.size() < problems_max) into_.problems.push_back({line_, 1, std::move(message), std::move(hint)});
  }

  ParsedInhabitants& into_;
  bool heading_read_ = false;
  char between_ = ',';
  std::size_t member_ = 0, inhabitants_ = 1, line_ = 1;
};

}  // namespace

ParsedInhabitants parse_inhabitants(std::string_view text) {
  ParsedInhabitants out;
  if (text.size() > limits::agreements_file_bytes_max) {
    out.problems.push_back({0, 0, "the file is too large", "one line for each member"});
    return out;
  }
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  Reading reading(out);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    reading.line(text.substr(0, end), number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  reading.end();
  return out;
}

}  // namespace faelled::config
