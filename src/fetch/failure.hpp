// Failure: why a file did not come, and whether it is worth another try. A value; what and where in `message`, how to
// mend it in `hint`, no secret in either.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "base/error_words.hpp"

namespace faelled::fetch {

enum class Fault : std::uint8_t {
  cancelled,
  later,    // the network, or a server that is busy: again by itself
  no_room,  // on the disk: again by itself, somebody may make some
  refused,  // the server will not, or the source is no such file: again when an operator says so
  no_hash,  // nobody says what the file's hash is: again when an operator does
  gone,     // the source has it no more, and says that this is for good: what came of it goes too
  wrong,    // what came is not what was ordered: again when an operator says so
};

struct Failure {
  Fault fault = Fault::later;
  std::string message;
  std::string hint;
  Duration retry_after{};  // the server said so; zero: it did not
  bool retries() const { return fault == Fault::later || fault == Fault::no_room; }
  std::string in_words() const { return faelled::in_words(message, hint); }
  bool operator==(const Failure&) const = default;
};

}  // namespace faelled::fetch
