// Pseudonyms: what members and callers are called in the decision log. Drawn by chance when somebody is first heard of
// and kept in a table beside the log; whoever's row is erased from it can be found from the log no more, by nobody. The
// log itself needs no table. Owned by the DecisionLog; loop's thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"
#include "base/text_hash.hpp"
#include "commons/event_text.hpp"

namespace faelled::decisions {

inline constexpr std::string_view pseudonyms_file = "pseudonyms";  // in the log's folder

struct PseudonymRow {
  bool member = false;    // else a caller: a user or a key
  std::string pseudonym;  // 16 hexadecimal digits
  std::string id;
  bool operator==(const PseudonymRow&) const = default;
};

// Errors: io, invalid (with the line). A file that is not there has no rows.
Expected<std::vector<PseudonymRow>> read_pseudonyms(const std::filesystem::path& file);

// Takes the rows of this id out. How many there were. Errors: those of reading, io.
Expected<std::size_t> forget_pseudonyms(const std::filesystem::path& file, std::string_view id);

class Pseudonyms final : public commons::Naming {
 public:
  static Expected<Pseudonyms> open(const std::filesystem::path& file, Random& random);

  std::string_view member(std::string_view id) override { return of(members_, id, true); }
  std::string_view caller(std::string_view id) override { return of(callers_, id, false); }

  // Rows that are in memory alone, as they belong at the end of the file. Taken once: the caller keeps them.
  std::string take_unsaved();

 private:
  using Table = std::unordered_map<std::string, std::string, TextHash, std::equal_to<>>;

  explicit Pseudonyms(Random& random) : random_(&random) {}
  std::string_view of(Table& table, std::string_view id, bool member);

  Random* random_;
  Table members_;
  Table callers_;
  std::string unsaved_;
};

}  // namespace faelled::decisions
