// The files of agreements and inhabitants: any text gives a file or problems that name a line of it, and what is taken
// is within its bounds.
#include <algorithm>
#include <cstdlib>

#include "config/agreements.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void look_at(const std::vector<faelled::config::Problem>& problems, std::size_t lines) {
  for (const faelled::config::Problem& problem : problems) {
    require(!problem.message.empty());
    require(problem.line <= lines + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  using namespace faelled;
  const std::string_view text(reinterpret_cast<const char*>(data), bytes);
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  const config::ParsedAgreements parsed = config::parse_agreements(text);
  look_at(parsed.problems, lines);
  if (parsed.problems.empty()) {
    for (const config::Agreement& row : parsed.file.agreements) {
      require(!row.member.empty() && !row.tier.empty() && row.from.size() == 10);
      require(row.until.empty() || row.until >= row.from);
      require(!row.share || (*row.share > 0 && *row.share <= limits::share_max));
    }
    const config::SizeKey& key = parsed.file.share_by;
    require(key.kind != "size_class" || (!key.bands.empty() && !key.bands.back().below));
  }
  const config::ParsedInhabitants inhabitants = config::parse_inhabitants(text);
  look_at(inhabitants.problems, lines);
  for (const auto& [member, count] : inhabitants.of) require(!member.empty() && count > 0);
  return 0;
}
