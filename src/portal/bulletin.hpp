// Bulletin: what operators tell everybody: that there is maintenance, announcements, incidents. Kept as one text of
// JSON in the store's settings, so that it outlives a restart. Values; pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "gateway/maintenance.hpp"

namespace faelled::portal {

enum class NoticeKind : std::uint8_t { announcement, incident };

std::string_view name_of(NoticeKind kind);
std::optional<NoticeKind> notice_kind(std::string_view name);

struct Notice {
  std::string id;  // "not_…"
  NoticeKind kind = NoticeKind::announcement;
  std::string message;     // English
  std::string message_da;  // Danish
  WallTime from;
  std::optional<WallTime> until = {};  // shown up to then; of an incident: when it was over
  bool operator==(const Notice&) const = default;
};

struct Bulletin {
  gateway::Maintenance maintenance = {};
  std::vector<Notice> notices = {};  // newest first, at most limits::notices_max
  bool operator==(const Bulletin&) const = default;
};

inline constexpr std::string_view bulletin_setting = "bulletin";

std::string to_json(const Bulletin& bulletin);
// Errors: invalid (not what to_json() wrote).
Expected<Bulletin> bulletin_of(std::string_view json);

// What the status page shows now: what is in force, and incidents that were over less than limits::incident_shown_for
// ago.
std::vector<Notice> shown_at(const Bulletin& bulletin, WallTime now);

// A text for everybody: one or two lines of words. Errors: invalid (empty, too long, control characters).
Expected<void> fit_for_all(std::string_view text);

}  // namespace faelled::portal
