#include "base/name_table.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/check.hpp"

namespace faelled {
namespace {

constexpr std::size_t block_bytes = 128 * 1024;  // the longest name fits

std::string_view at(const char* kept) {
  std::uint16_t bytes = 0;
  std::memcpy(&bytes, kept, sizeof bytes);
  return {kept + sizeof bytes, bytes};
}

}  // namespace

std::size_t NameTable::slot_of(std::string_view name) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = std::hash<std::string_view>()(name) & mask;
  while (slots_[slot] != 0 && at(names_[slots_[slot] - 1]) != name) slot = (slot + 1) & mask;
  return slot;
}

const char* NameTable::keep(std::string_view name) {
  FAELLED_CHECK(name.size() <= UINT16_MAX, "whoever gives names bounds them");
  const auto bytes = static_cast<std::uint16_t>(name.size());
  const std::size_t needed = sizeof bytes + name.size();
  if (needed > free_) {
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(block_bytes));
    free_ = block_bytes;
  }
  char* const kept = blocks_.back().get() + (block_bytes - free_);
  std::memcpy(kept, &bytes, sizeof bytes);
  std::ranges::copy(name, kept + sizeof bytes);
  free_ -= needed;
  return kept;
}

std::uint32_t NameTable::add(std::string_view name) {
  if (const auto known = find(name)) return *known;
  names_.push_back(keep(name));
  if (names_.size() * 3 > slots_.size() * 2) {
    slots_.assign(std::max<std::size_t>(16, slots_.size() * 2), 0);
    for (std::uint32_t number = 0; number + 1 < size(); ++number) slots_[slot_of(this->name(number))] = number + 1;
  }
  slots_[slot_of(name)] = size();
  return size() - 1;
}

std::optional<std::uint32_t> NameTable::find(std::string_view name) const {
  if (slots_.empty()) return std::nullopt;
  const std::uint32_t found = slots_[slot_of(name)];
  return found == 0 ? std::nullopt : std::optional(found - 1);
}

std::string_view NameTable::name(std::uint32_t number) const { return at(names_[number]); }

}  // namespace faelled
