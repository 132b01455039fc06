#include "mesh/balances.hpp"

#include <charconv>

namespace faelled::mesh {
namespace {

bool read(std::string_view& line, commons::Work& into) {
  if (line.starts_with(' ')) line.remove_prefix(1);
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), into);
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  return error == std::errc{};
}

}  // namespace

std::string balances_text(const commons::Scheduler& commons) {
  std::string out = "capacity " + std::to_string(commons.capacity_per_s()) + "\n";
  for (const commons::MemberState& state : commons.members()) {
    if (state.credit == 0 && state.lent == 0 && state.borrowed == 0) continue;
    out += state.member + " " + std::to_string(state.credit) + " " + std::to_string(state.lent) + " " +
           std::to_string(state.borrowed) + "\n";
  }
  return out;
}

Expected<std::vector<commons::Event>> balances_of(std::string_view text) {
  std::vector<commons::Event> out;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t space = line.find(' ');
    const std::string_view id = line.substr(0, space);
    line.remove_prefix(id.size());
    bool whole = false;
    if (number == 1) {
      commons::Capacity capacity;
      whole = id == "capacity" && read(line, capacity.per_s) && line.empty() && capacity.per_s >= 0;
      out.emplace_back(capacity);
    } else {
      commons::Restore of;
      of.member = id;
      whole = !id.empty() && read(line, of.credit) && read(line, of.lent) && read(line, of.borrowed) && line.empty() &&
              of.lent >= 0 && of.borrowed >= 0;
      out.emplace_back(of);
    }
    if (!whole)
      return fail(Errc::invalid, "line " + std::to_string(number) + " of the commons' balances cannot be read",
                  "was it edited by hand? Without that setting all begin with nothing lent and nothing borrowed");
  }
  return out;
}

}  // namespace faelled::mesh
