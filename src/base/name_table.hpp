// NameTable: very many names that are added and never removed, each with a number, dense from 0. A name takes its own
// length and some twenty bytes, where a map and a list of strings take a hundred more. A resource: views of its names
// live as long as it does.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace faelled {

class NameTable {
 public:
  NameTable() = default;
  NameTable(const NameTable&) = delete;
  NameTable& operator=(const NameTable&) = delete;

  // Its number; a new one where it is not there yet. Names of up to 65,535 bytes.
  std::uint32_t add(std::string_view name);
  std::optional<std::uint32_t> find(std::string_view name) const;
  std::string_view name(std::uint32_t number) const;
  std::uint32_t size() const { return static_cast<std::uint32_t>(names_.size()); }

 private:
  // The slot that has it, or the free one where it would be.
  std::size_t slot_of(std::string_view name) const;
  const char* keep(std::string_view name);

  std::vector<std::unique_ptr<char[]>> blocks_;  // of each name its length, two bytes, and the name
  std::size_t free_ = 0;                         // bytes of the last block
  std::vector<const char*> names_;
  std::vector<std::uint32_t> slots_;  // numbers and one more; 0: free. A power of two, at most two thirds in use
};

}  // namespace faelled
