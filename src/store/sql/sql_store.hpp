// SqlStore: what both databases do with the same statements: people (people.cpp), sign-in (sessions.cpp), audit and
// settings (audit.cpp), models and aliases (named.cpp), agreements (agreements.cpp) and conversations
// (conversations.cpp). What differs is in sqlite/ and postgres/.
#pragma once

#include "store/sql/columns.hpp"
#include "store/sql/connection.hpp"
#include "store/store.hpp"

namespace faelled::store::sql {

class SqlStore : public Store {
 public:
  Expected<void> together(const std::function<Expected<void>()>& work) override {
    auto done = db_.together(work);
    if (!done) ++rolled_back_;
    return done;
  }
  Expected<void> take_turn() override { return {}; }
  std::uint64_t rolled_back() const override { return rolled_back_; }

  Expected<void> add_member(const MemberRow& row) override;
  Expected<std::vector<MemberRow>> members() override;
  Expected<void> update_member(const MemberRow& row) override;
  Expected<void> add_user(const UserRow& row) override;
  Expected<std::vector<UserRow>> users() override;
  Expected<void> update_user(const UserRow& row) override;
  Expected<void> set_user_names(const std::string& id, const std::string& name, const std::string& email) override;
  Expected<void> set_user_last_seen(const std::string& id, WallTime when) override;
  Expected<void> add_key(const KeyRow& row) override;
  Expected<std::vector<KeyRow>> keys() override;
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
  Expected<std::optional<SettingRow>> find_setting(std::string_view key) override;
  Expected<void> set_setting(const SettingRow& row) override;
  Expected<void> replace_setting(const SettingRow& row, const std::optional<std::string>& before) override;
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

  Expected<std::optional<Bytes>> member_data_key(const std::string& member) override;
  Expected<void> add_member_data_key(const std::string& member, const Bytes& wrapped) override;
  Expected<bool> has_member_data_keys() override;
  Expected<void> add_conversation(const SealedConversation& row) override;
  Expected<SealedConversation> conversation(const std::string& user, const std::string& id) override;
  Expected<std::vector<SealedConversation>> conversations(const std::string& user, const ConversationsFrom& from,
                                                          std::size_t limit) override;
  Expected<void> update_conversation(const SealedConversation& row) override;
  Expected<void> delete_conversation(const std::string& user, const std::string& id, WallTime now) override;
  Expected<std::size_t> delete_conversations(const std::string& user, WallTime now) override;
  Expected<std::vector<DeletedConversation>> deleted_conversations(const std::string& user, std::size_t limit) override;
  Expected<void> restore_conversation(const std::string& user, const std::string& id) override;
  Expected<std::size_t> restore_conversations(const std::string& user, WallTime deleted_at) override;
  Expected<std::size_t> erase_deleted(WallTime before, std::size_t limit) override;
  Expected<std::size_t> remove_conversations(const std::string& member, WallTime before, std::size_t limit) override;
  Expected<void> update_message(const SealedMessage& row) override;
  Expected<std::vector<SealedMessage>> messages(const std::string& conversation) override;
  Expected<std::vector<RatingSum>> rating_sums(const std::string& member) override;

 protected:
  explicit SqlStore(Connection& db) : db_(db) {}

 private:
  Connection& db_;  // the derived class's
  std::uint64_t rolled_back_ = 0;
};

}  // namespace faelled::store::sql
