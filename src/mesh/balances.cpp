#include "mesh/balances.hpp"

#include <algorithm>
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

Balances balances_of(const commons::Scheduler& commons) {
  Balances out{commons.capacity_per_s(), {}};
  for (const commons::MemberState& state : commons.members())
    if (const Balance balance{state.credit, state.lent, state.borrowed}; balance != Balance{})
      out.members.emplace(state.member, balance);
  return out;
}

std::string text_of(const Balances& balances) {
  std::string out = "capacity " + std::to_string(balances.capacity_per_s) + "\n";
  for (const auto& [member, balance] : balances.members)
    out += member + " " + std::to_string(balance.credit) + " " + std::to_string(balance.lent) + " " +
           std::to_string(balance.borrowed) + "\n";
  return out;
}

Expected<Balances> read_balances(std::string_view text) {
  Balances out;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t space = line.find(' ');
    const std::string_view id = line.substr(0, space);
    line.remove_prefix(id.size());
    bool whole = false;
    if (number == 1) {
      whole = id == "capacity" && read(line, out.capacity_per_s) && line.empty() && out.capacity_per_s >= 0;
    } else {
      Balance of;
      whole = !id.empty() && read(line, of.credit) && read(line, of.lent) && read(line, of.borrowed) && line.empty() &&
              of.lent >= 0 && of.borrowed >= 0 && out.members.emplace(id, of).second;
    }
    if (!whole)
      return fail(Errc::invalid, "line " + std::to_string(number) + " of the commons' balances cannot be read",
                  "was it edited by hand? Without that setting all begin with nothing lent and nothing borrowed");
  }
  return out;
}

std::vector<commons::Event> events_of(const Balances& balances) {
  std::vector<commons::Event> out;
  out.emplace_back(commons::Capacity{balances.capacity_per_s});
  for (const auto& [member, balance] : balances.members)
    out.emplace_back(commons::Restore{member, balance.credit, balance.lent, balance.borrowed});
  return out;
}

Balances difference(const Balances& later, const Balances& earlier) {
  Balances out = later;
  for (const auto& [member, before] : earlier.members) {
    Balance& balance = out.members[member];
    balance.credit -= before.credit;
    balance.lent -= before.lent;
    balance.borrowed -= before.borrowed;
  }
  std::erase_if(out.members, [](const auto& of) { return of.second == Balance{}; });
  return out;
}

Balances sum(const Balances& one, const Balances& other) {
  Balances out = one;
  out.capacity_per_s = std::max(one.capacity_per_s, other.capacity_per_s);
  for (const auto& [member, more] : other.members) {
    Balance& balance = out.members[member];
    balance.credit += more.credit;
    balance.lent += more.lent;
    balance.borrowed += more.borrowed;
  }
  std::erase_if(out.members, [](const auto& of) { return of.second == Balance{}; });
  return out;
}

}  // namespace faelled::mesh
