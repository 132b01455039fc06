// The suite of what every Store must do (store_conformance_test.cpp and the files beside it), written against
// the interface alone. An implementation's test gives a factory and instantiates the suite:
//   INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, testing::Values(StoreMaker{make}));
// Only tests include this file.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "store/store.hpp"

namespace faelled::store {

struct StoreMaker {
  std::function<std::unique_ptr<Store>()> make;  // an empty one
};

inline WallTime at_second(int seconds) { return from_unix_micros(1'780'000'000'000'000LL + seconds * 1'000'000LL); }

inline Bytes bytes(std::string_view text) {
  const auto all = std::as_bytes(std::span(text));
  return {all.begin(), all.end()};
}

inline KeyRow key_row(const std::string& name, const std::string& member) {
  KeyRow row;
  row.id = "key_" + name;
  row.hash = crypto::sha256(name);
  row.member = member;
  row.name = name;
  row.created_at = at_second(0);
  return row;
}

inline UserRow user_row(const std::string& name, const std::string& member) {
  return {"usr_" + name, member, name, at_second(0)};
}

inline TierRow tier_row(const std::string& id) {
  return {id, "Tier " + id, 20, 8, 60, {"gemma", "qwen"}, 199'800, at_second(0)};
}

inline AgreementRow agreement_row(int number, const std::string& member = "aarhus") {
  AgreementRow row;
  row.id = "agr_" + std::to_string(1000 + number);
  row.member = member;
  row.tier = "stor";
  row.from = std::chrono::floor<std::chrono::days>(at_second(0));
  row.share = 20;
  row.fee_ore = 199'800;
  row.begins_at = row.made_at = at_second(number);
  row.made_by_kind = ActorKind::user;
  row.made_by = "usr_a";
  return row;
}

inline AuditRow audit_row(int number, const std::string& member = "aarhus") {
  AuditRow row;
  row.id = "aud_" + std::to_string(1000 + number);
  row.at = at_second(number);
  row.actor_kind = ActorKind::user;
  row.actor = "usr_a";
  row.actor_member = "aarhus";
  row.peer = "192.0.2.1";
  row.action = "key.create";
  row.object_kind = "key";
  row.object = "key_" + std::to_string(number);
  row.object_member = member;
  row.after = R"({"name":"journal"})";
  row.request_id = "req_" + std::to_string(number);
  return row;
}

inline ledger::UsageRow usage_row(int number, const std::string& member = "aarhus") {
  ledger::UsageRow row;
  row.request_id = "req_" + std::to_string(1000 + number);
  row.member = member;
  row.caller = "key_a";
  row.key = "key_a";
  row.model = "gemma";
  row.started_at = at_second(number);
  row.input_tokens = 10;
  row.cached_tokens = 4;
  row.output_tokens = 4'000'000'000U;
  row.queue_us = 1;
  row.load_us = 2;
  row.engine_us = 3;
  row.total_us = 6;
  row.outcome = ledger::Outcome::cancelled;
  row.cause = "the client went away";
  return row;
}

class StoreConformance : public testing::TestWithParam<StoreMaker> {
 protected:
  void SetUp() override {
    store_ = GetParam().make();
    ASSERT_NE(store_, nullptr);
  }
  Store& store() { return *store_; }
  void add_people() {
    ASSERT_TRUE(store().add_member({"aarhus", "Aarhus Kommune", at_second(0)}));
    ASSERT_TRUE(store().add_member({"odense", "Odense Kommune", at_second(0)}));
    ASSERT_TRUE(store().add_user({"usr_a", "aarhus", "Anne", at_second(0)}));
    ASSERT_TRUE(store().add_user({"usr_o", "odense", "Ole", at_second(0)}));
  }

 private:
  std::unique_ptr<Store> store_;
};

}  // namespace faelled::store
