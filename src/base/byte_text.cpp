#include "base/byte_text.hpp"

#include <array>
#include <string_view>

namespace faelled {
namespace {

std::uint64_t rounded_by(std::uint64_t bytes, std::uint64_t step, Rounded rounded) {
  const std::uint64_t rest = bytes % step;
  const bool up = rounded == Rounded::near ? rest >= step - rest : rounded == Rounded::up && rest > 0;
  return bytes / step + (up ? 1 : 0);
}

}  // namespace

std::string byte_text(std::uint64_t bytes, Rounded rounded, char point) {
  struct Unit {
    std::string_view name;
    std::uint64_t bytes;
    std::uint64_t step;
  };
  static constexpr std::array<Unit, 5> units = {{{"B", 1, 1},
                                                 {"kB", 1'000, 1'000},
                                                 {"MB", 1'000'000, 1'000'000},
                                                 {"GB", 1'000'000'000, 100'000'000},
                                                 {"TB", 1'000'000'000'000, 100'000'000'000}}};
  std::size_t at = 0;
  // 999.6 MB are 1 GB, and not 1000 MB.
  while (at + 1 < units.size() && rounded_by(bytes, units[at].step, rounded) >= units[at + 1].bytes / units[at].step)
    ++at;
  const std::uint64_t steps = rounded_by(bytes, units[at].step, rounded), per_unit = units[at].bytes / units[at].step;
  std::string out = std::to_string(steps / per_unit);
  if (const std::uint64_t decimal = steps % per_unit; decimal != 0) (out += point) += std::to_string(decimal);
  return (out += ' ').append(units[at].name);
}

}  // namespace faelled
