// How far a model's file has come, in words that go on "The model …": "is being fetched: 37 %, about 4 min". Pure.
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "gateway/refusal_words.hpp"

namespace faelled::gateway {

// `total` zero: nobody knows how large it is; `left` zero: nor how long it takes.
Words fetching_words(std::uint64_t bytes, std::uint64_t total, Duration left);

}  // namespace faelled::gateway
