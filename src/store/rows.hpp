// The rows that the store keeps. Values; times are WallTime, absent times are nullopt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "crypto/digest.hpp"
#include "crypto/seal.hpp"
#include "ledger/usage_row.hpp"

namespace faelled::store {

using crypto::Bytes;
using crypto::Digest;

struct MemberRow {
  std::string id;
  std::string name;
  WallTime created_at;
  bool operator==(const MemberRow&) const = default;
};

struct UserRow {
  std::string id;
  std::string member;
  std::string name;
  WallTime created_at;
  bool operator==(const UserRow&) const = default;
};

enum class KeyOrigin : std::uint8_t { person, config };

// A key that left the configuration may come back with it; one that a person revoked may not.
enum class RevokedBy : std::uint8_t { nobody, person, config };

struct KeyRow {
  std::string id;
  Digest hash{};
  std::string member;
  std::string user;  // empty: none
  std::string name;
  WallTime created_at;
  std::optional<WallTime> expires_at;
  std::optional<WallTime> revoked_at;
  std::optional<WallTime> last_used_at;  // within limits::key_last_used_every
  KeyOrigin origin = KeyOrigin::person;
  RevokedBy revoked_by = RevokedBy::nobody;
  bool operator==(const KeyRow&) const = default;
};

struct SessionRow {
  Digest hash{};
  std::string user;
  WallTime created_at;
  WallTime expires_at;
  bool operator==(const SessionRow&) const = default;
};

struct SignInLinkRow {
  Digest hash{};
  std::string user;
  WallTime created_at;
  WallTime expires_at;
  std::optional<WallTime> used_at;
  bool operator==(const SignInLinkRow&) const = default;
};

struct UsageFilter {
  std::optional<WallTime> from;  // started_at ≥
  std::optional<WallTime> to;    // started_at <
  std::string member;            // empty: all
  std::string caller;            // empty: all
  bool operator==(const UsageFilter&) const = default;
};

struct UsageSum {
  std::string member;
  std::string caller;
  std::string model;
  std::uint64_t requests = 0;
  std::uint64_t input_tokens = 0;
  std::uint64_t cached_tokens = 0;
  std::uint64_t output_tokens = 0;
  bool operator==(const UsageSum&) const = default;
};

// By started_at, then request_id.
struct UsagePage {
  std::vector<ledger::UsageRow> rows;
  std::string next;  // give it as `after` for the next page; empty: the last one
};

enum class MessageRole : std::uint8_t { user, assistant };
enum class MessageState : std::uint8_t { done, running, stopped, failed };

// Title and content as stored: sealed with the member's key (see conversations.hpp, which speaks plain text).
struct SealedConversation {
  std::string id;
  std::string user;
  std::string member;
  std::string model;
  Bytes title;
  WallTime created_at;
  WallTime updated_at;
  bool operator==(const SealedConversation&) const = default;
};

struct SealedMessage {
  std::string id;
  std::string conversation;
  MessageRole role = MessageRole::user;
  MessageState state = MessageState::done;
  Bytes content;
  std::string model;
  std::string request_id;     // empty: none
  std::string error_message;  // what the person is told; never content
  std::string error_message_da;
  WallTime created_at;
  bool operator==(const SealedMessage&) const = default;
};

}  // namespace faelled::store
