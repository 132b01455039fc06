// A directory over a store, for the members' tests. Only tests include this file.
#pragma once

#include <gtest/gtest.h>

#include "members/directory.hpp"
#include "store/loop_testing.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace faelled::members {

using store::TestFolder;
using store::TestLoop;

// One run of a server over a data folder.
class ServerRun {
 public:
  explicit ServerRun(const std::filesystem::path& database)
      : ServerRun(std::move(store::open_sqlite_store(database).value())) {}
  explicit ServerRun(std::unique_ptr<store::Store> store)
      : store_(std::move(store), loop_.poster()), directory_(store_, random_) {}

  Expected<void> load(std::vector<ConfiguredKey> configured = {}) { return directory_.load(configured, now()); }
  Directory& operator*() { return directory_; }
  Directory* operator->() { return &directory_; }
  store::StoreThread& store() { return store_; }
  TestLoop& loop() { return loop_; }
  WallTime now() const { return clock_.wall(); }
  void advance(Duration by) { clock_.advance(by); }

  Expected<NewKey> add_key(const std::string& member, std::optional<WallTime> expires_at = {}, std::string user = {}) {
    return loop_.result_of<NewKey>(
        [&](auto then) { directory_.add_key(member, std::move(user), "a key", expires_at, now(), std::move(then)); });
  }
  Expected<KeyRow> revoke(const std::string& id) {
    return loop_.result_of<KeyRow>([&](auto then) { directory_.revoke_key(id, now(), std::move(then)); });
  }
  Expected<SignInLink> link(const std::string& user) {
    return loop_.result_of<SignInLink>([&](auto then) { directory_.add_sign_in_link(user, now(), std::move(then)); });
  }
  Expected<Session> sign_in(const std::string& token) {
    return loop_.result_of<Session>([&](auto then) { directory_.sign_in(token, now(), std::move(then)); });
  }
  Expected<UserRow> add_user(const std::string& member, NewUser user, Act act) {
    return loop_.result_of<UserRow>(
        [&](auto then) { directory_.add_user(member, std::move(user), std::move(act), std::move(then)); });
  }
  Expected<UserRow> update_user(const std::string& id, UserChange change, Act act) {
    return loop_.result_of<UserRow>(
        [&](auto then) { directory_.update_user(id, std::move(change), std::move(act), std::move(then)); });
  }
  Expected<MemberRow> update_member(const std::string& id, MemberChange change, Act act) {
    return loop_.result_of<MemberRow>(
        [&](auto then) { directory_.update_member(id, std::move(change), std::move(act), std::move(then)); });
  }
  Expected<NewKey> wish(KeyWish wish, Act act) {
    return loop_.result_of<NewKey>(
        [&](auto then) { directory_.add_key(std::move(wish), std::move(act), std::move(then)); });
  }
  Expected<NewKey> rotate(const std::string& id, WallTime until, Act act) {
    return loop_.result_of<NewKey>(
        [&](auto then) { directory_.rotate_key(id, until, std::nullopt, std::move(act), std::move(then)); });
  }
  Expected<KeyRow> update_key(const std::string& id, KeyChange change, Act act) {
    return loop_.result_of<KeyRow>(
        [&](auto then) { directory_.update_key(id, std::move(change), std::move(act), std::move(then)); });
  }
  // Until it has taken in what the store has to tell.
  void follow() {
    bool heard = false;
    directory_.on_followed([&heard](const store::Changes&) { heard = true; });
    directory_.follow(now());
    loop_.run_until([&heard] { return heard; });
    directory_.on_followed({});
  }
  // All rows, newest first.
  std::vector<store::AuditRow> audit(const store::AuditFilter& filter = {}) {
    return store_.wait_for([&](store::Store& s) { return s.audit(filter, "", 1000); })->rows;
  }
  // As somebody of that user's role, from the page.
  Act act_of(const UserRow& user) {
    return {now(), {store::ActorKind::user, user.id, user.member, user.role, "192.0.2.1"}, "req_1"};
  }

  DenialCause denial_of(const std::string& secret) {
    const auto denied = directory_.authenticate(secret, now());
    EXPECT_FALSE(denied);
    return denied ? DenialCause::unknown : denied.error().cause;
  }

 private:
  TestLoop loop_;
  SystemRandom random_;
  ManualClock clock_;
  store::StoreThread store_;
  Directory directory_;
};

class DirectoryTest : public testing::Test {
 protected:
  TestFolder folder_;
};

}  // namespace faelled::members
