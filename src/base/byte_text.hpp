// Amounts of memory and disk as people read them: "30.5 GB", "400 MB". The pages say them by the same rule
// (ui/src/lib/format.ts). Pure.
#pragma once

#include <cstdint>
#include <string>

namespace faelled {

// What something needs is rounded up and what there is for it down: the two never read the same where it does not fit.
enum class Rounded : std::uint8_t { near, up, down };

// In steps of a thousand, as disks are sold: from 1 GB on with one decimal where it has one, below in whole MB, kB or
// B. `point`: ',' in Danish.
std::string byte_text(std::uint64_t bytes, Rounded rounded = Rounded::near, char point = '.');

}  // namespace faelled
