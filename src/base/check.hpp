// check(): states what must hold and why. Stays on in release builds: a wrong ledger is worse than a restart.
// Never for what a client, an engine, a disk or a cluster can cause; those are Expected<T>.
#pragma once

namespace faelled {

[[noreturn]] void check_failed(const char* expression, const char* why, const char* file, int line);

}  // namespace faelled

#define FAELLED_CHECK(condition, why) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::faelled::check_failed(#condition, why, __FILE__, __LINE__))
