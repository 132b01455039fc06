#include <algorithm>
#include <numeric>

#include "base/limits.hpp"
#include "openai/answer.hpp"

namespace faelled::openai {
namespace {

constexpr std::size_t compared_bytes_max = 64;  // of a name: the cost grows with the square
constexpr std::size_t compared_names_max = 512;

std::string folded(std::string_view name) {
  std::string out(name.substr(0, compared_bytes_max));
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

// Levenshtein's distance, one row at a time.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> nearest_names(std::string_view wanted, std::span<const std::string> names, std::size_t most) {
  struct Near {
    std::size_t distance;
    std::string_view name;
  };
  const std::string want = folded(wanted);
  if (want.empty()) return {};
  std::vector<Near> near;
  for (const std::string& name : names.first(std::min(names.size(), compared_names_max))) {
    const std::string have = folded(name);
    const std::size_t far = distance(want, have);
    const std::size_t tolerated = std::max<std::size_t>(2, std::max(want.size(), have.size()) / 3);
    constexpr std::size_t telling_part_bytes = 3;
    const bool part = want.size() >= telling_part_bytes && (have.contains(want) || want.contains(have));
    if (far <= tolerated || part) near.push_back({far, name});
  }
  std::ranges::sort(near, {}, [](const Near& n) { return std::pair(n.distance, n.name); });
  if (near.size() > most) near.resize(most);
  std::vector<std::string> out;
  for (const Near& n : near) out.emplace_back(n.name);
  return out;
}

ApiError model_not_found(std::string_view wanted, std::span<const std::string> names) {
  std::string message = "There is no model '" + std::string(wanted.substr(0, limits::name_bytes_max)) + "' here.";
  const auto near = nearest_names(wanted, names);
  for (std::size_t i = 0; i < near.size(); ++i) message += (i == 0 ? " Did you mean '" : "', '") + near[i];
  message += near.empty() ? " GET /v1/models lists those there are." : "'?";
  return {.cause = Cause::model_not_found, .message = std::move(message), .param = "model", .retry_after = {}};
}

}  // namespace faelled::openai
