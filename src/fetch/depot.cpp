#include "fetch/depot.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>

#include "base/folder.hpp"
#include "fetch/part.hpp"

namespace faelled::fetch {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view part_ending = ".part";
constexpr std::string_view etag_ending = ".part.etag";
constexpr std::string_view note_ending = ".hash";
constexpr std::string_view draft_ending = ".new";  // of a note or ETag, where the machine stopped as it was written

bool is_part(const fs::path& path) {
  std::string_view name = path.native();
  if (name.ends_with(draft_ending)) name.remove_suffix(draft_ending.size());
  return name.ends_with(part_ending) || name.ends_with(etag_ending);
}

}  // namespace

void Depot::look_once() {
  seen_.reset();
  std::vector<std::string> names;
  for (const fs::path& path : beginning_with("")) names.push_back(path.filename().string());
  seen_ = std::move(names);
}

// Every entry of the folder whose name begins so, in order.
std::vector<fs::path> Depot::beginning_with(const std::string& start) const {
  std::vector<fs::path> all;
  if (seen_) {
    for (auto name = std::ranges::lower_bound(*seen_, start); name != seen_->end() && name->starts_with(start); ++name)
      all.push_back(folder_ / *name);
    return all;
  }
  for (const fs::directory_entry& entry : entries_of(folder_))
    if (entry.path().filename().string().starts_with(start)) all.push_back(entry.path());
  std::ranges::sort(all);
  return all;
}

std::optional<fs::path> Depot::find(const crypto::Digest& sha256) const {
  for (const fs::path& path : beginning_with(crypto::hex(sha256) + "-"))
    if (!is_part(path)) return path;
  return std::nullopt;
}

fs::path Depot::place(const crypto::Digest& sha256, const Source& source) const {
  if (const auto here = find(sha256)) return *here;
  // Another name may have begun it.
  for (fs::path path : beginning_with(crypto::hex(sha256) + "-"))
    if (path.string().ends_with(part_ending)) return path.replace_extension();
  return folder_ / (crypto::hex(sha256) + "-" + base_name(source));
}

std::optional<crypto::Digest> Depot::sha256_of(const fs::path& file) {
  return crypto::from_hex(file.filename().string().substr(0, 2 * sizeof(crypto::Digest)));
}

fs::path Depot::note_of(const Source& source) const {
  return folder_ / (crypto::hex(crypto::sha256(source.text)) + std::string(note_ending));
}

std::optional<crypto::Digest> Depot::remembered(const Source& source) const {
  const fs::path note = note_of(source);
  if (seen_ && !std::ranges::binary_search(*seen_, note.filename().string())) return std::nullopt;
  std::ifstream in(note);
  std::string line;
  return std::getline(in, line) ? crypto::from_hex(line) : std::nullopt;
}

std::optional<std::string> Depot::remembered_commit(const Source& source) const {
  std::ifstream in(note_of(source));
  std::string line;
  for (int lines = 0; lines < 3; ++lines)
    if (!std::getline(in, line)) return std::nullopt;
  return is_commit(line) ? std::optional(line) : std::nullopt;
}

std::expected<void, Failure> Depot::remember(const Source& source, const crypto::Digest& sha256,
                                             std::string_view commit) const {
  std::string text = crypto::hex(sha256) + '\n' + source.text + '\n';
  if (!commit.empty()) text += std::string(commit) + '\n';
  return write_note(note_of(source), text);
}

void Depot::forget(const Source& source) const {
  std::error_code ignored;
  fs::remove(note_of(source), ignored);
}

void Depot::remove_parts(const crypto::Digest& sha256) const {
  std::error_code ignored;
  for (const fs::path& path : beginning_with(crypto::hex(sha256) + "-"))
    if (is_part(path)) fs::remove_all(path, ignored);
}

// What has its name is believed to be whole, so that it loses the name first.
void Depot::remove(const crypto::Digest& sha256) const {
  remove_parts(sha256);
  for (const fs::path& path : beginning_with(crypto::hex(sha256) + "-"))
    if (!is_part(path) && std::rename(path.c_str(), part_of(path).c_str()) == 0) (void)sync_folder(folder_);
  remove_parts(sha256);
}

std::optional<std::uint64_t> Depot::bytes_of(const fs::path& path) {
  std::error_code wrong;
  if (!fs::is_directory(path, wrong)) {
    const std::uintmax_t bytes = fs::file_size(path, wrong);
    return wrong ? std::nullopt : std::optional<std::uint64_t>(bytes);
  }
  std::uint64_t all = 0;
  for (const fs::directory_entry& entry : entries_of(path))
    if (const std::uintmax_t bytes = entry.file_size(wrong); !wrong) all += bytes;
  return all;
}

std::optional<Depot::File> Depot::part(const crypto::Digest& sha256) const {
  for (const fs::path& path : beginning_with(crypto::hex(sha256) + "-"))
    if (path.native().ends_with(part_ending))
      if (const auto bytes = bytes_of(path); bytes.value_or(0) > 0) return File{path.filename().string(), *bytes};
  return std::nullopt;
}

std::vector<Depot::File> Depot::files() const {
  std::vector<File> all;
  for (const fs::path& path : beginning_with("")) {
    const std::string name = path.filename().string();
    if (name.ends_with(note_ending) || name.ends_with(etag_ending) || name.ends_with(draft_ending)) continue;
    if (const auto bytes = bytes_of(path)) all.push_back({name, *bytes});
  }
  return all;
}

std::expected<void, Failure> Depot::make() const {
  if (::mkdir(folder_.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return std::unexpected(disk_failure(folder_));
}

}  // namespace faelled::fetch
