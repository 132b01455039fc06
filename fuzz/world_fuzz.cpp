// Any bytes as a world: a world, or problems with their lines; and what it reads is the same each time.
#include <cstdlib>
#include <string>

#include "config/world.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  const std::string text(reinterpret_cast<const char*>(data), bytes);  // exactly its size, so that ASan sees overreads
  const auto parsed = faelled::config::parse_world(text);
  if (bytes % 8 == 0) {
    const auto again = faelled::config::parse_world(text);
    if (parsed.problems.size() != again.problems.size()) std::abort();
    if (parsed.world.engines.size() != again.world.engines.size()) std::abort();
  }
  if (!parsed.problems.empty()) return 0;
  if (parsed.world.engines.empty()) std::abort();
  for (const auto& member : parsed.world.members)
    if (member.id.empty() || member.share == 0) std::abort();
  return 0;
}
