#include "portal/assets.hpp"

#include <algorithm>

namespace faelled::portal {

const Asset* find_asset(std::string_view path) {
  const auto all = all_assets();
  const auto found = std::ranges::find(all, path, &Asset::path);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace faelled::portal
