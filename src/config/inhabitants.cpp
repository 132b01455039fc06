#include <algorithm>
#include <vector>

#include "base/csv_rows.hpp"
#include "base/whole_number.hpp"
#include "config/agreements.hpp"
#include "config/fields.hpp"

namespace faelled::config {
namespace {

constexpr std::size_t problems_max = 50;

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

class Reading {
 public:
  explicit Reading(ParsedInhabitants& into) : into_(into) {}

  void row(const CsvRow& row) {
    line_ = row.line;
    std::vector<std::string_view> fields;
    for (const std::string& field : row.fields) fields.push_back(trimmed(field));
    if (!heading_read_) return heading(fields);
    const std::size_t last = std::max(member_, inhabitants_);
    if (fields.size() <= last) return wrong("this line has too few fields", "write it as aarhus,367095");
    const std::string member(fields[member_]);
    const auto count = whole_number<std::uint64_t>(fields[inhabitants_]);
    if (!count || *count < 1 || *count > limits::inhabitants_max)
      return wrong(in_quotes(fields[inhabitants_]) + " is no number of inhabitants",
                   "digits alone, without points or spaces");
    if (member.empty() || member.size() > limits::member_id_bytes_max)
      return wrong(in_quotes(member) + " is no member's id", "the id, as `faelled member list` shows it");
    if (!into_.of.emplace(member, *count).second)
      wrong("member " + in_quotes(member) + " stands twice", "keep one of the two");
  }

  void unreadable(std::size_t line, const Error& error) {
    line_ = line;
    wrong(error.message, error.hint);
  }

  void end() {
    if (!heading_read_) wrong("there is no heading", "begin with the line member,inhabitants");
  }

 private:
  void heading(const std::vector<std::string_view>& names) {
    heading_read_ = true;
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
  std::size_t member_ = 0, inhabitants_ = 1, line_ = 1;
};

}  // namespace

ParsedInhabitants parse_inhabitants(std::string_view text) {
  ParsedInhabitants out;
  if (text.size() > limits::agreements_file_bytes_max) {
    out.problems.push_back({0, 0, "the file is too large", "one line for each member"});
    return out;
  }
  CsvRows rows(text);
  Reading reading(out);
  while (true) {
    const auto row = rows.next();
    if (!row) reading.unreadable(rows.line(), row.error());
    if (!row || !*row) break;
    reading.row(**row);
  }
  reading.end();
  return out;
}

}  // namespace faelled::config
