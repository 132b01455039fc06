// Finding: one thing that the doctor looked at, in plain words, with the way to mend it. A value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace faelled::doctor {

// bad: Fælled does not work, or is not safe, like this. warn: it works until something else happens too.
enum class Verdict : std::uint8_t { good, note, warn, bad };

struct Finding {
  std::string what;  // "memory", "disk", "gpu 0"
  Verdict verdict = Verdict::good;
  std::string says;
  std::string mend;  // empty: nothing to do
  bool operator==(const Finding&) const = default;
};

constexpr std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::good:
      return "ok";
    case Verdict::note:
      return "note";
    case Verdict::warn:
      return "warn";
    case Verdict::bad:
      break;
  }
  return "bad";
}

}  // namespace faelled::doctor
