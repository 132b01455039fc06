#include "decisions/log_check.hpp"

#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "decisions/chain.hpp"

namespace faelled::decisions {
namespace {

constexpr std::size_t opening_bytes = 4096;  // the first two lines have some 500

// A start is always the second line of a file of its own.
bool begins_with_a_start(const std::filesystem::path& file) {
  const auto text = read_beginning(file, opening_bytes);
  const std::size_t second = text ? text->find('\n') : std::string::npos;
  if (second == std::string::npos) return false;
  const std::string_view rest = std::string_view(*text).substr(second + 1);
  const auto line = read_sealed(rest.substr(0, rest.find('\n')));
  return line && line->text.starts_with("open ");
}

// Oldest first.
Expected<std::vector<std::string>> files_to_check(const std::filesystem::path& folder, std::uint64_t bytes_max) {
  auto there = log_files(folder);
  if (!there && there.error().code == Errc::not_found) return std::vector<std::string>{};  // nothing was decided yet
  if (!there) return there;
  std::vector<std::string> names = std::move(*there);
  std::uint64_t bytes = 0;
  std::size_t first = names.size();
  while (first > 0) {
    std::error_code code;
    const auto size = std::filesystem::file_size(folder / names[first - 1], code);
    if (!code) bytes += size;
    if (bytes > bytes_max && first < names.size()) break;
    --first;
    if (begins_with_a_start(folder / names[first])) break;
  }
  names.erase(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(first));
  return names;
}

}  // namespace

Expected<ReplayReport> check_log(const std::filesystem::path& folder, const Stopped& stopped, std::uint64_t bytes_max) {
  const auto listed = files_to_check(folder, bytes_max);
  const std::vector<std::string> names = listed.value_or(std::vector<std::string>{});
  Replay replay({}, stopped);
  std::vector<Finding> unread;
  if (!listed) unread.push_back({folder.filename().string(), 0, listed.error().message, true});
  for (const std::string& name : names) {
    auto content = read_file(folder / name, stopped);
    if (!content && content.error().code == Errc::cancelled) return std::unexpected(content.error());
    // Its days are over since we looked; where it is missing between others, the next one says so.
    if (!content && content.error().code == Errc::not_found) continue;
    if (!content) {
      unread.push_back({name, 0, content.error().message, true});
      continue;
    }
    if (name == names.back()) content->resize(content->rfind('\n') + 1);
    if (content->empty() && name == names.back()) continue;  // just begun
    replay.file(name, *content);
  }
  if (stopped && stopped()) return fail(Errc::cancelled, "the check was stopped");
  ReplayReport report = replay.finish();
  report.findings.insert(report.findings.end(), unread.begin(), unread.end());
  return report;
}

}  // namespace faelled::decisions
