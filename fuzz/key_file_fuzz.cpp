// Any bytes as a file of keys: rows with names and hashes, bad lines with numbers, or a refusal; the same each time.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "key_import/key_file.hpp"
#include "key_import/plan.hpp"

namespace {

using namespace faelled;
using namespace faelled::key_import;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  const std::string text(reinterpret_cast<const char*>(data), bytes);  // exactly its size, so that ASan sees overreads
  const auto file = read_key_file(text);
  const auto again = read_key_file(text);
  if (file.has_value() != again.has_value()) std::abort();
  if (!file) return 0;
  const std::size_t lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  if (file->keys.size() != again->keys.size() || file->bad.size() != again->bad.size()) std::abort();
  for (const OldKey& key : file->keys)
    if (key.name.empty() || key.line == 0 || key.line > lines) std::abort();
  for (const BadLine& bad : file->bad)
    if (bad.message.empty() || bad.line == 0 || bad.line > lines) std::abort();
  const WallTime now{};
  const std::vector<store::MemberRow> members{{"m", "M", now}};
  const Plan plan = plan_import(file->keys, {{}, {}, "m"}, {members, {}, {}}, now);
  if (plan.keys.size() != file->keys.size()) std::abort();
  const Plan second = plan_import(file->keys, {{}, {}, "m"}, {members, plan.new_users, plan.new_keys}, now);
  if (!second.new_keys.empty() || !second.new_users.empty()) std::abort();
  return 0;
}
