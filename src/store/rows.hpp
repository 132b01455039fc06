// The rows that the store keeps. Values; times are WallTime, absent times are nullopt.
#pragma once

#include <chrono>
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

// The models that may be named; nullopt: all, those to come too.
using ModelList = std::optional<std::vector<std::string>>;

enum class ConversationPlace : std::uint8_t { server, browser };
enum class KeyMakers : std::uint8_t { all, builders, admins };  // member admins always may

// What a member has decided for its own people and systems.
struct Policy {
  ModelList models = {};
  std::optional<std::uint32_t> retention_days = {};  // of a conversation since its last word; nullopt: for ever
  ConversationPlace conversations = ConversationPlace::server;
  std::optional<std::uint32_t> key_days_max = {};  // creation to expiry of a key; nullopt: no bound
  KeyMakers key_makers = KeyMakers::all;
  bool operator==(const Policy&) const = default;
};

struct MemberRow {
  std::string id;
  std::string name;
  WallTime created_at;
  Policy policy = {};
  std::string contact = {};  // whom its people ask, as they are told
  bool operator==(const MemberRow&) const = default;
};

// What each may do: members/roles.hpp.
enum class Role : std::uint8_t { user, builder, member_admin, auditor, operator_ };
enum class UserOrigin : std::uint8_t { local, front_end };

struct UserRow {
  std::string id;
  std::string member;
  std::string name;
  WallTime created_at;
  Role role = Role::user;
  std::string email = {};  // empty: none; of its member only once, without regard to case
  UserOrigin origin = UserOrigin::local;
  std::string front_end = {};    // that made it known; empty: none
  std::string external_id = {};  // what the front end calls it; of a member and front end only once; empty: none
  std::optional<WallTime> disabled_at = {};
  std::optional<WallTime> last_seen_at = {};  // within limits::key_last_used_every
  bool operator==(const UserRow&) const = default;
};

enum class KeyOrigin : std::uint8_t { person, config, imported };
enum class ShowWaiting : std::uint8_t { off, da, en };  // place in line as words of the answer's reasoning

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
  ModelList models = {};  // of those that its member allows
  ShowWaiting show_waiting = ShowWaiting::off;
  std::string front_end = {};     // whose key it is: it may name member and user; empty: none's
  std::string rotated_from = {};  // the key that it takes the place of; empty: none
  std::string replaced_by = {};   // the key that took its place, while this one may still work; empty: none
  bool has_ended(WallTime now) const { return expires_at && *expires_at <= now; }
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
  std::string model = {};        // empty: all; of rows and hours, not of sums
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
  std::optional<WallTime> hour = {};  // its beginning; of usage_hours() alone
  bool operator==(const UsageSum&) const = default;
};

// Which sum; they are ordered by it.
struct UsageKey {
  std::string member;
  std::string caller;
  std::string model;
  auto operator<=>(const UsageKey&) const = default;
};

struct UsageSumPage {
  std::vector<UsageSum> sums;
  std::optional<UsageKey> next;  // give it as `after` for the next page; none: the last one
};

// By started_at, then request_id.
struct UsagePage {
  std::vector<ledger::UsageRow> rows;
  std::string next;  // give it as `after` for the next page; empty: the last one
};

enum class MessageRole : std::uint8_t { user, assistant };
enum class MessageState : std::uint8_t { done, running, stopped, failed };
// What the person is told of an answer whose server stopped.
inline constexpr const char* interrupted = "The server stopped while this was being written.";
inline constexpr const char* interrupted_da = "Serveren stoppede, mens svaret blev skrevet.";
// What ended an answer beside its own last word: the limit on tokens, or a conversation longer than the model
// remembers.
enum class MessageLimit : std::uint8_t { none, tokens, context };
enum class Rating : std::uint8_t { none, up, down };

// Title and content as stored: sealed with the member's key (see conversations.hpp, which speaks plain text).
struct SealedConversation {
  std::string id;
  std::string user;
  std::string member;
  std::string model;
  Bytes title;
  WallTime created_at;
  WallTime updated_at;
  std::string leaf = {};  // message that the branch last read ends with; empty: the newest
  bool operator==(const SealedConversation&) const = default;
};

// Where a page of a person's conversations begins.
struct ConversationsFrom {
  enum class Order : std::uint8_t {
    changed,  // the newest change first: one that is written to meanwhile moves to the front
    made      // the last made first: each comes once, whatever happens to it meanwhile
  };
  Order order = Order::changed;
  std::string id = {};    // of the row before; empty: from the first
  WallTime changed_at{};  // of that row as it was then; of Order::changed alone
};

struct DeletedConversation {
  SealedConversation row;
  WallTime deleted_at;
  bool operator==(const DeletedConversation&) const = default;
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
  std::string parent = {};  // the message it comes after; empty: it begins the conversation
  MessageLimit limit = MessageLimit::none;
  std::uint32_t input_tokens = 0;  // as the engine counted them; 0: it has not
  std::uint32_t output_tokens = 0;
  Rating rating = Rating::none;
  Bytes rating_reason = {};  // sealed; empty: none
  bool operator==(const SealedMessage&) const = default;
};

enum class ActorKind : std::uint8_t { system, config, owner, user, key, front_end };
enum class AuditOutcome : std::uint8_t { done, refused };

// Who did, or was refused, what to what. Ids and no names of people, so that a person can be forgotten and the row
// stand. Never a secret, never content.
struct AuditRow {
  std::string id;  // "aud_…"
  WallTime at;
  ActorKind actor_kind = ActorKind::system;  // owner: by the owner-only socket; config: the file at start
  std::string actor;                         // id; empty: system, config and owner have none
  std::string actor_member;                  // empty: none
  std::string peer;                          // from where; empty: from inside
  std::string action;                        // "user.create"
  std::string object_kind;                   // "user"
  std::string object;                        // id; empty: none, or refused before there was one
  std::string object_member;                 // empty: none
  AuditOutcome outcome = AuditOutcome::done;
  std::string before;  // JSON; empty: there was nothing
  std::string after;   // JSON; empty: there is nothing
  std::string request_id;
  std::uint32_t times = 1;  // refusals that the row stands for; its `at` is the last one's
  bool operator==(const AuditRow&) const = default;
};

struct AuditFilter {
  std::optional<WallTime> from;  // at ≥
  std::optional<WallTime> to;    // at <
  std::string member;            // whose row it is: the object's member, else the actor's; empty: all
  std::string actor;             // id; empty: all
  std::string action;            // empty: all
  std::string object;            // id; empty: all
  bool operator==(const AuditFilter&) const = default;
};

// Newest first: by at, then id.
struct AuditPage {
  std::vector<AuditRow> rows;
  std::string next;  // give it as `before` for the next page; empty: the last one
};

// One word of the whole server's state that people set while it runs, such as the announcement.
struct SettingRow {
  std::string key;
  std::string value;
  WallTime updated_at;
  bool operator==(const SettingRow&) const = default;
};

// What operators gave a name while the server runs: a model, or an alias that moves.
enum class NamedKind : std::uint8_t { model, alias };

// One that was removed stays, so that its versions count on.
struct NamedRow {
  std::string name;
  std::uint64_t version = 0;  // counts acts of people, from 1
  std::string value;          // JSON, the portal's
  WallTime updated_at;
  bool operator==(const NamedRow&) const = default;
};

// A day as agreements have it: in UTC, as all times here.
using Day = std::chrono::sys_days;

// What an agreement has where it says nothing itself. An agreement that is made keeps the values of that moment.
struct TierRow {
  std::string id;
  std::string name;                     // as people read it
  std::optional<std::uint32_t> share;   // absent: each agreement, or the key of shares, says its own
  std::uint32_t places = 0;             // that a member may have in use at once; 0: no limit
  std::optional<std::uint32_t> wait_s;  // in line before a refusal; absent: as long as the server's
  std::vector<std::string> models;      // and adapters; empty: all
  std::optional<std::int64_t> fee_ore;  // a month's; absent: as share
  WallTime updated_at;
  bool operator==(const TierRow&) const = default;
};

// What a member is promised for a period, all of it. Never changed: it is ended, and another one follows it.
struct AgreementRow {
  std::string id;  // "agr_…"
  std::string member;
  std::string tier;
  Day from;
  std::optional<Day> until;  // the last day; absent: until it is ended
  std::uint32_t share = 1;
  std::uint32_t places = 0;  // and the following three as the tier's
  std::optional<std::uint32_t> wait_s;
  std::vector<std::string> models;
  std::int64_t fee_ore = 0;
  std::uint32_t inhabitants = 0;  // that share or fee were reckoned from; 0: they were not
  bool suspended = false;         // new requests are refused, with the reason
  std::string reason_da, reason_en;
  std::string follows;  // id of the one that it takes the place of; empty: none

  WallTime begins_at;  // the first day's beginning, or when it was made where that was later
  WallTime made_at;
  ActorKind made_by_kind = ActorKind::system;
  std::string made_by;  // id; empty: as AuditRow's actor
  std::optional<WallTime> ended_at;
  ActorKind ended_by_kind = ActorKind::system;
  std::string ended_by;
  bool operator==(const AgreementRow&) const = default;
};

// Newest first: by made_at, then id.
struct AgreementPage {
  std::vector<AgreementRow> rows;
  std::string next;  // give it as `before` for the next page; empty: the last one
};

// What has changed since a mark, by whomever: the rows as they are now.
struct Changes {
  std::int64_t mark = 0;    // give it the next time
  bool everything = false;  // too much, or too long ago, to be told row by row: read all again
  std::vector<MemberRow> members;
  std::vector<UserRow> users;
  std::vector<KeyRow> keys;
  std::vector<SessionRow> sessions;
  std::vector<Digest> sessions_gone;
  std::vector<SettingRow> settings;
  std::vector<NamedRow> models;
  std::vector<NamedRow> aliases;
  std::vector<AgreementRow> agreements;
  std::optional<std::vector<TierRow>> tiers;  // all of them, where one has changed or gone
};

// Of the conversations that are there; counts alone, so that a member's admin learns of no words.
struct RatingSum {
  std::string model;
  std::uint64_t up = 0;
  std::uint64_t down = 0;
  bool operator==(const RatingSum&) const = default;
};

}  // namespace faelled::store
