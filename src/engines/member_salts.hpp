// MemberSalts: what keeps one member's words in an engine's prefix cache apart from another's. A block that was
// computed under one salt is never found under another (vLLM's cache_salt). Nobody outside can work a salt out: it is a
// hash under a secret that lives as long as this process, as the caches it guards do. A value; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace faelled::engines {

class MemberSalts {
 public:
  MemberSalts();  // with a new secret
  std::string of(std::string_view member) const;

 private:
  std::array<std::byte, 32> secret_;
};

}  // namespace faelled::engines
