// Store: what must outlive the process and is not a file of its own. Synchronous; every call of one object from one
// thread (StoreThread's once it runs). Each call is one transaction unless it stands inside together(). sql/ has
// what both implementations share; store_conformance_testing.hpp is the suite that each of them passes.
// Errors everywhere: unavailable (busy, disk full), io, incompatible (damaged); further ones are named at the call.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "ledger/journal.hpp"
#include "store/rows.hpp"

namespace faelled::store {

class Store {
 public:
  virtual ~Store() = default;

  // Did it answer when it was last asked?
  virtual bool available() const { return true; }

  // All of `work` or nothing of it: an error it returns rolls everything back. Does not nest.
  virtual Expected<void> together(const std::function<Expected<void>()>& work) = 0;
  // Inside together(): from here to its end no other server that takes its turn is inside one. What is read after it is
  // what the turn before has left. Of a store that only one server can open it is always this one's.
  virtual Expected<void> take_turn() = 0;
  // How often it did not: what was remembered of rows written in it is to be forgotten when this has changed.
  virtual std::uint64_t rolled_back() const = 0;

  // Members, users, keys. Errors of add_* and update_*: exists (id, hash, email or external id taken), not_found (no
  // such row, member or user).
  virtual Expected<void> add_member(const MemberRow& row) = 0;
  virtual Expected<std::vector<MemberRow>> members() = 0;
  virtual Expected<void> update_member(const MemberRow& row) = 0;  // name, policy and contact
  virtual Expected<void> add_user(const UserRow& row) = 0;
  virtual Expected<std::vector<UserRow>> users() = 0;
  virtual Expected<void> update_user(const UserRow& row) = 0;  // all but id, member, created_at and last_seen_at
  virtual Expected<void> set_user_names(const std::string& id, const std::string& name, const std::string& email) = 0;
  virtual Expected<void> set_user_last_seen(const std::string& id, WallTime when) = 0;
  virtual Expected<void> add_key(const KeyRow& row) = 0;
  virtual Expected<std::vector<KeyRow>> keys() = 0;  // revoked ones too
  // All but id, hash, created_at, last_used_at and origin become the row's.
  virtual Expected<void> update_key(const KeyRow& row) = 0;
  virtual Expected<void> set_key_last_used(const std::string& id, WallTime when) = 0;

  // Sign-in. use_sign_in_link: gives its user, once. Errors: not_found, conflict (used before), timeout (expired).
  virtual Expected<void> add_sign_in_link(const SignInLinkRow& row) = 0;
  virtual Expected<std::string> use_sign_in_link(const Digest& hash, WallTime now) = 0;
  virtual Expected<void> add_session(const SessionRow& row) = 0;
  virtual Expected<std::vector<SessionRow>> sessions(WallTime now) = 0;  // those not expired
  virtual Expected<void> remove_session(const Digest& hash) = 0;
  virtual Expected<void> remove_sessions_of(const std::string& user) = 0;  // and sign-in links not yet used
  virtual Expected<void> remove_expired(WallTime now) = 0;                 // sessions and links

  // Audit: rows are added and never changed or removed; the database itself refuses it. Errors of add_audit: exists.
  virtual Expected<void> add_audit(const AuditRow& row) = 0;
  // `before`: id of the last row seen, empty: from the newest. Errors: not_found (no row `before`).
  virtual Expected<AuditPage> audit(const AuditFilter& filter, const std::string& before, std::size_t limit) = 0;

  // Settings, by key. set_setting: makes or replaces. replace_setting: where its value is `before`, or with none where
  // there is no such setting. Errors of it: conflict.
  virtual Expected<std::vector<SettingRow>> settings() = 0;
  virtual Expected<std::optional<SettingRow>> find_setting(std::string_view key) = 0;
  virtual Expected<void> set_setting(const SettingRow& row) = 0;
  virtual Expected<void> replace_setting(const SettingRow& row, const std::optional<std::string>& before) = 0;

  // Models and aliases that were added at run time, by name, at most `limit`. `after`: the last one seen; empty: from
  // the first. They may be many, so that nothing reads all of them at once.
  virtual Expected<std::vector<NamedRow>> named(NamedKind kind, const std::string& after, std::size_t limit) = 0;
  virtual Expected<std::optional<NamedRow>> find_named(NamedKind kind, const std::string& name) = 0;
  // Makes it, or takes the place of an earlier version. Errors: conflict (one as new is there: another server's act).
  virtual Expected<void> set_named(NamedKind kind, const NamedRow& row) = 0;
  // What became of that very version; nothing where another one is there by now.
  virtual Expected<void> update_named(NamedKind kind, const NamedRow& row) = 0;

  // Tiers, and what members were promised. set_tier: makes or replaces. Errors of remove_tier: not_found.
  virtual Expected<std::vector<TierRow>> tiers() = 0;  // by id
  virtual Expected<void> set_tier(const TierRow& row) = 0;
  virtual Expected<void> remove_tier(const std::string& id) = 0;
  // An agreement is never changed or removed; the database itself refuses it. Errors: exists, not_found (no such
  // member).
  virtual Expected<void> add_agreement(const AgreementRow& row) = 0;
  // Once. Errors: not_found, conflict (it has ended).
  virtual Expected<void> end_agreement(const std::string& id, WallTime when, ActorKind by_kind,
                                       const std::string& by) = 0;
  virtual Expected<std::vector<AgreementRow>> agreements(WallTime at) = 0;  // those not over by then, by id
  // All that ever were. `member` empty: of all; `before`: as audit()'s.
  virtual Expected<AgreementPage> agreement_history(const std::string& member, const std::string& before,
                                                    std::size_t limit) = 0;

  // Several servers on one database hear of each other's changes to members, users, keys, sessions, settings, models,
  // aliases, tiers and agreements by asking again and again. A store that only one server can open has nothing to tell.
  virtual Expected<std::int64_t> change_mark() = 0;  // of now
  virtual Expected<Changes> changes_since(std::int64_t mark) = 0;

  // Ledger. Rows whose request_id is there already are left as they are; rows and position become durable together.
  virtual Expected<void> add_usage(std::span<const ledger::UsageRow> rows, ledger::Position position) = 0;
  virtual Expected<ledger::Position> journal_position() = 0;
  // By member, caller and model, at most `limit`. `after`: the page before's `next`.
  virtual Expected<UsageSumPage> usage_sums(const UsageFilter& filter, const std::optional<UsageKey>& after,
                                            std::size_t limit) = 0;
  // Of one caller, an hour in UTC at a time, so that a reader's days can be put together; at most
  // limits::usage_hours_max, the first. By hour, then model.
  virtual Expected<std::vector<UsageSum>> usage_hours(const UsageFilter& filter) = 0;
  // `after`: request_id of the last row seen, empty: from the first. Errors: not_found (no row `after`).
  virtual Expected<UsagePage> usage_rows(const UsageFilter& filter, const std::string& after, std::size_t limit) = 0;

  // Data keys, wrapped with the master key. Without its key a member's words are gone for good.
  virtual Expected<std::optional<Bytes>> member_data_key(const std::string& member) = 0;
  virtual Expected<void> add_member_data_key(const std::string& member, const Bytes& wrapped) = 0;
  virtual Expected<bool> has_member_data_keys() = 0;

  // Conversations of one user; another user's are not_found.
  virtual Expected<void> add_conversation(const SealedConversation& row) = 0;
  virtual Expected<SealedConversation> conversation(const std::string& user, const std::string& id) = 0;
  virtual Expected<std::vector<SealedConversation>> conversations(const std::string& user,
                                                                  const ConversationsFrom& from, std::size_t limit) = 0;
  virtual Expected<void> update_conversation(const SealedConversation& row) = 0;  // title, model, updated_at, leaf
  // A deleted one is not_found everywhere else, and comes back with all its messages until it is erased.
  virtual Expected<void> delete_conversation(const std::string& user, const std::string& id, WallTime now) = 0;
  virtual Expected<std::size_t> delete_conversations(const std::string& user, WallTime now) = 0;  // all that are left
  virtual Expected<std::vector<DeletedConversation>> deleted_conversations(
      const std::string& user,
      std::size_t limit) = 0;  // last deleted first
  virtual Expected<void> restore_conversation(const std::string& user, const std::string& id) = 0;
  // Those deleted in that very moment: together, by delete_conversations.
  virtual Expected<std::size_t> restore_conversations(const std::string& user, WallTime deleted_at) = 0;
  // For good, messages too: deleted before that time. Gives how many.
  virtual Expected<std::size_t> erase_deleted(WallTime before, std::size_t limit) = 0;
  // The oldest `limit` at most of the member's conversations with updated_at < `before`; gives how many went.
  virtual Expected<std::size_t> remove_conversations(const std::string& member, WallTime before, std::size_t limit) = 0;
  virtual Expected<void> add_message(const SealedMessage& row) = 0;
  // All but id, conversation, role, created_at and parent.
  virtual Expected<void> update_message(const SealedMessage& row) = 0;
  virtual Expected<std::vector<SealedMessage>> messages(const std::string& conversation) = 0;  // in order of adding
  virtual Expected<std::vector<RatingSum>> rating_sums(const std::string& member) = 0;         // by model
  // Messages that an earlier run left running become failed; gives how many.
  virtual Expected<std::size_t> fail_running_messages(const std::string& message, const std::string& message_da) = 0;
};

}  // namespace faelled::store
