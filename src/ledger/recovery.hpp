// What an earlier run left in the journal: reads every segment, finds where its records end and which requests were
// opened and never closed. Damage does not end the reading: the next whole record is looked for, because the disk may
// have kept later pages and lost an earlier one. Runs once, before the journal takes records.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "ledger/segment.hpp"
#include "ledger/usage_row.hpp"

namespace faelled::ledger {

struct Recovered {
  struct LeftOpen {
    UsageRow row;
    Segment* segment;
  };
  std::unordered_map<std::string, LeftOpen> left_open;  // by request id; their number was bounded when they were made
  std::uint64_t unreadable_bytes = 0;
};

// Sets `end` and `open` of each segment. Errors: io.
Expected<Recovered> recover(const std::vector<std::unique_ptr<Segment>>& segments);

}  // namespace faelled::ledger
