#include "decisions/heads.hpp"

#include "base/whole_number.hpp"
#include "decisions/chain.hpp"
#include "decisions/disk.hpp"

namespace faelled::decisions {
namespace {

constexpr std::size_t day_bytes = 10;

bool read_head(std::string_view line, Head& into) {
  const std::size_t a = line.find(' ');
  const std::size_t b = a == std::string_view::npos ? a : line.find(' ', a + 1);
  const std::size_t c = b == std::string_view::npos ? b : line.find(' ', b + 1);
  if (c == std::string_view::npos) return false;
  into.day = line.substr(0, a);
  into.file = line.substr(a + 1, b - a - 1);
  const auto count = whole_number<std::uint64_t>(line.substr(b + 1, c - b - 1));
  into.head = line.substr(c + 1);
  into.lines = count.value_or(0);
  return count && is_file_name(into.file) && is_head(into.head) && into.day == into.file.substr(0, day_bytes);
}

}  // namespace

std::string text_of(const Head& head) {
  return head.day + " " + head.file + " " + std::to_string(head.lines) + " " + head.head;
}

Expected<std::vector<Head>> read_heads(std::string_view text) {
  std::vector<Head> heads;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    Head head;
    if (!read_head(line, head))
      return fail(Errc::invalid, "line " + std::to_string(number) + " is no row of heads",
                  "rows are DAY FILE LINES HEAD, as `faelled audit heads` prints them");
    heads.push_back(std::move(head));
  }
  return heads;
}

Head head_of(std::string_view file_name, std::string_view content) {
  Head out{std::string(file_name.substr(0, day_bytes)), std::string(file_name), 0, std::string(no_head)};
  const std::size_t end = content.rfind('\n');
  if (end == std::string_view::npos) return out;
  const std::size_t before = end == 0 ? std::string_view::npos : content.rfind('\n', end - 1);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  if (const auto line = read_sealed(content.substr(begin, end - begin))) {
    out.lines = line->number;
    out.head = line->head;
  }
  return out;
}

Expected<std::vector<Head>> heads_of(const std::filesystem::path& folder) {
  const auto names = log_files(folder);
  if (!names) return std::unexpected(names.error());
  std::vector<Head> heads;
  for (const std::string& name : *names) {
    const auto content = read_file(folder / name);
    if (!content && content.error().code == Errc::not_found) continue;  // its days are over
    if (!content) return std::unexpected(content.error());
    if (Head head = head_of(name, *content); head.lines > 0) heads.push_back(std::move(head));
  }
  return heads;
}

}  // namespace faelled::decisions
