#include "decisions/pseudonyms.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/whole_file.hpp"
#include "crypto/digest.hpp"
#include "decisions/disk.hpp"

namespace faelled::decisions {
namespace {

constexpr std::string_view member_kind = "member";
constexpr std::string_view caller_kind = "caller";
constexpr std::size_t pseudonym_bytes = 8;

void write_row(std::string& out, bool member, std::string_view pseudonym, std::string_view id) {
  out += member ? member_kind : caller_kind;
  out += ' ';
  out += pseudonym;
  out += ' ';
  commons::write_word(out, id);
  out += '\n';
}

}  // namespace

Expected<std::vector<PseudonymRow>> read_pseudonyms(const std::filesystem::path& file) {
  const auto text = read_file(file);
  if (!text && text.error().code == Errc::not_found) return std::vector<PseudonymRow>{};
  if (!text) return std::unexpected(text.error());
  std::vector<PseudonymRow> rows;
  std::string_view rest = *text;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;  // cut off by a crash: drawn anew
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    const std::size_t first = line.find(' ');
    const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    const std::string_view kind = line.substr(0, first);
    const auto id =
        second == std::string_view::npos ? fail(Errc::invalid, "") : commons::read_word(line.substr(second + 1));
    if (!id || (kind != member_kind && kind != caller_kind))
      return fail(Errc::invalid, file.string() + ":" + std::to_string(number) + " is no row of the table of pseudonyms",
                  "take the line out: its member or caller gets a new pseudonym");
    rows.push_back({kind == member_kind, std::string(line.substr(first + 1, second - first - 1)), *id});
  }
  return rows;
}

Expected<std::size_t> forget_pseudonyms(const std::filesystem::path& file, std::string_view id) {
  const OpenFile held(open_locked(file, O_RDONLY));  // a server may be adding to it
  if (struct stat info{}; held.fd >= 0 && ::fstat(held.fd, &info) == 0 && info.st_uid != ::geteuid())
    return fail(Errc::forbidden, file.string() + " is another user's, whose server could not write to it any more",
                "run this as that user: runuser -u faelled -- faelled audit forget ID");
  const auto rows = read_pseudonyms(file);
  if (!rows) return std::unexpected(rows.error());
  std::string text;
  std::size_t forgotten = 0;
  for (const PseudonymRow& row : *rows) {
    if (row.id == id)
      ++forgotten;
    else
      write_row(text, row.member, row.pseudonym, row.id);
  }
  if (forgotten == 0) return forgotten;
  if (auto written = replace(file, text); !written) return std::unexpected(written.error());
  return forgotten;
}

Expected<Pseudonyms> Pseudonyms::open(const std::filesystem::path& file, Random& random) {
  const auto rows = read_pseudonyms(file);
  if (!rows) return std::unexpected(rows.error());
  // A row that a crash cut off must not become the beginning of the next one.
  if (const auto text = read_file(file); text && !text->empty() && !text->ends_with('\n'))
    if (auto mended = replace(file, text->substr(0, text->rfind('\n') + 1)); !mended)
      return std::unexpected(mended.error());
  Pseudonyms out(random);
  for (const PseudonymRow& row : *rows) (row.member ? out.members_ : out.callers_).emplace(row.id, row.pseudonym);
  return out;
}

std::string_view Pseudonyms::of(Table& table, std::string_view id, bool member) {
  const auto found = table.find(id);
  if (found != table.end()) return found->second;
  std::array<std::byte, pseudonym_bytes> drawn;
  random_->fill(drawn);
  const auto fresh = table.emplace(std::string(id), crypto::hex(drawn)).first;
  write_row(unsaved_, member, fresh->second, id);
  return fresh->second;
}

std::string Pseudonyms::take_unsaved() { return std::exchange(unsaved_, {}); }

}  // namespace faelled::decisions
