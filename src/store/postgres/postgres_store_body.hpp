// PostgresStore's class, for its files: opening (postgres_store.cpp), people (postgres_people.cpp), sign-in
// (postgres_sessions.cpp), audit and settings (postgres_audit.cpp), models and
// aliases (postgres_named.cpp), agreements (postgres_agreements.cpp), what others changed (postgres_changes.cpp), usage
// (postgres_usage.cpp) and conversations (postgres_conversations.cpp).
#pragma once

#include <memory>

#include "store/postgres/connection.hpp"
#include "store/store.hpp"

namespace faelled::store::postgres {

using Ids = std::vector<std::string>;

class PostgresStore final : public Store {
 public:
  PostgresStore(std::unique_ptr<Connection> connection, std::string server)
      : db_(std::move(connection)), server_(std::move(server)) {}

  bool available() const override { return db_->connected(); }
  Expected<void> together(const std::function<Expected<void>()>& work) override { return db_->together(work); }

  Expected<void> add_member(const MemberRow& row) override;
  Expected<std::vector<MemberRow>> members() override { return members_of(nullptr); }
  Expected<void> update_member(const MemberRow& row) override;
  Expected<void> add_user(const UserRow& row) override;
  Expected<std::vector<UserRow>> users() override { return users_of(nullptr); }
  Expected<void> update_user(const UserRow& row) override;
  Expected<void> set_user_last_seen(const std::string& id, WallTime when) override;
  Expected<void> add_key(const KeyRow& row) override;
  Expected<std::vector<KeyRow>> keys() override { return keys_of(nullptr); }
  Expected<void> update_key(const KeyRow& row) override;
  Expected<void> set_key_last_used(const std::string& id, WallTime when) override;
  Expected<void> add_sign_in_link(const SignInLinkRow& row) override;
  Expected<std::string> use_sign_in_link(const Digest& hash, WallTime now) override;
  Expected<void> add_session(const SessionRow& row) override;
  Expected<std::vector<SessionRow>> sessions(WallTime now) override;
  Expected<void> remove_session(const Digest& hash) override;
  Expected<void> remove_sessions_of(const std::string& user) override;
  Expected<void> remove_expired(WallTime now) override;

  Expected<void> add_audit(const AuditRow& row) override;
  Expected<AuditPage> audit(const AuditFilter& filter, const std::string& before, std::size_t limit) override;
  Expected<std::vector<SettingRow>> settings() override;
  Expected<void> set_setting(const SettingRow& row) override;
  Expected<std::vector<NamedRow>> named(NamedKind kind, const std::string& after, std::size_t limit) override;
  Expected<std::optional<NamedRow>> find_named(NamedKind kind, const std::string& name) override;
  Expected<void> set_named(NamedKind kind, const NamedRow& row) override;
  Expected<void> update_named(NamedKind kind, const NamedRow& row) override;

  Expected<std::vector<TierRow>> tiers() override;
  Expected<void> set_tier(const TierRow& row) override;
  Expected<void> remove_tier(const std::string& id) override;
  Expected<void> add_agreement(const AgreementRow& row) override;
  Expected<void> end_agreement(const std::string& id, WallTime when, ActorKind by_kind, const std::string& by) override;
  Expected<std::vector<AgreementRow>> agreements(WallTime at) override;
  Expected<AgreementPage> agreement_history(const std::string& member, const std::string& before,
                                            std::size_t limit) override;

  Expected<std::int64_t> change_mark() override;
  Expected<Changes> changes_since(std::int64_t mark) override;

  Expected<void> add_usage(std::span<const ledger::UsageRow> rows, ledger::Position position) override;
  Expected<ledger::Position> journal_position() override;
  Expected<UsageSumPage> usage_sums(const UsageFilter& filter, const std::optional<UsageKey>& after,
                                    std::size_t limit) override;
  Expected<std::vector<UsageSum>> usage_hours(const UsageFilter& filter) override;
  Expected<UsagePage> usage_rows(const UsageFilter& filter, const std::string& after, std::size_t limit) override;

  Expected<std::optional<Bytes>> member_data_key(const std::string& member) override;
  Expected<void> add_member_data_key(const std::string& member, const Bytes& wrapped) override;
  Expected<bool> has_member_data_keys() override;
  Expected<void> add_conversation(const SealedConversation& row) override;
  Expected<SealedConversation> conversation(const std::string& user, const std::string& id) override;
  Expected<std::vector<SealedConversation>> conversations(const std::string& user, const std::string& before,
                                                          std::size_t limit) override;
  Expected<void> update_conversation(const SealedConversation& row) override;
  Expected<void> delete_conversation(const std::string& user, const std::string& id, WallTime now) override;
  Expected<std::size_t> delete_conversations(const std::string& user, WallTime now) override;
  Expected<std::vector<DeletedConversation>> deleted_conversations(const std::string& user, std::size_t limit) override;
  Expected<void> restore_conversation(const std::string& user, const std::string& id) override;
  Expected<std::size_t> restore_conversations(const std::string& user, WallTime deleted_at) override;
  Expected<std::size_t> erase_deleted(WallTime before) override;
  Expected<std::size_t> remove_conversations(const std::string& member, WallTime before, std::size_t limit) override;
  Expected<void> add_message(const SealedMessage& row) override;
  Expected<void> update_message(const SealedMessage& row) override;
  Expected<std::vector<SealedMessage>> messages(const std::string& conversation) override;
  Expected<std::vector<RatingSum>> rating_sums(const std::string& member) override;
  Expected<std::size_t> fail_running_messages(const std::string& message, const std::string& message_da) override;

 private:
  Expected<std::vector<MemberRow>> members_of(const Ids* ids);
  Expected<std::vector<UserRow>> users_of(const Ids* ids);
  Expected<std::vector<KeyRow>> keys_of(const Ids* ids);
  Expected<std::vector<AgreementRow>> agreements_of(const Ids& ids);
  Expected<std::vector<NamedRow>> named_of(NamedKind kind, const Ids& names);
  Expected<void> take_turn();

  std::unique_ptr<Connection> db_;
  std::string server_;  // which of the servers on the database this is
};

inline std::span<const std::byte> blob(const Digest& digest) { return digest; }
inline std::span<const std::byte> blob(const Bytes& bytes) { return bytes; }

SessionRow read_session(Row& row);

// An array as $1; NULL for nullptr.
inline Parameters parameter_of(const Ids* ids) {
  Parameters out;
  if (ids == nullptr) {
    out.add(nullptr);
  } else {
    out.add_all(*ids, [](const std::string& id) -> std::string_view { return id; });
  }
  return out;
}

// What change() gave, for calls that only want to know that it worked.
inline Expected<void> done(const Expected<std::int64_t>& changed) {
  if (!changed) return std::unexpected(changed.error());
  return {};
}

// How many rows changed.
inline Expected<std::size_t> counted(const Expected<std::int64_t>& changed) {
  if (!changed) return std::unexpected(changed.error());
  return static_cast<std::size_t>(*changed);
}

// The same, where nothing changed because the row is not there.
inline Expected<void> done_or_absent(const Expected<std::int64_t>& changed, const char* what) {
  if (!changed) return std::unexpected(changed.error());
  if (*changed == 0) return fail(Errc::not_found, what);
  return {};
}

}  // namespace faelled::store::postgres
