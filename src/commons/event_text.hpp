// An event, what was decided about it and when, as one line of text, and back: what the decision log and its replay
// speak. Complete: the same lines give the same decisions. The format: docs/audit-replay.md. Pure, any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "commons/events.hpp"
#include "commons/scheduler.hpp"

namespace faelled::commons {

struct Decision {
  Instant at;
  Event event;
  std::vector<Action> actions;
  bool operator==(const Decision&) const = default;
};

// What members and callers are called in the text.
class Naming {
 public:
  virtual ~Naming() = default;
  virtual std::string_view member(std::string_view id) = 0;
  virtual std::string_view caller(std::string_view id) = 0;
};

// Appends one line without its end. Without `naming` all are called what they are called.
void write_decision(std::string& out, Instant at, const Event& event, std::span<const Action> actions,
                    Naming* naming = nullptr);

// Errors: invalid, with what was expected where. Any bytes are allowed.
Expected<Decision> read_decision(std::string_view line);

void write_settings(std::string& out, const Settings& settings);
Expected<Settings> read_settings(std::string_view text);

// One word: everything but letters, digits and ._:/@+- is written %41, nothing at all as -, and - alone as %2D.
void write_word(std::string& out, std::string_view text);
Expected<std::string> read_word(std::string_view word);

}  // namespace faelled::commons
