#include "store/store_conformance_testing.hpp"

namespace faelled::store {

TEST_P(StoreConformance, KeepsMembersUsersAndKeys) {
  add_people();
  KeyRow key = key_row("a", "aarhus");
  key.user = "usr_a";
  key.expires_at = at_second(100);
  key.origin = KeyOrigin::config;
  ASSERT_TRUE(store().add_key(key));
  EXPECT_EQ(store().members()->size(), 2U);
  EXPECT_EQ(store().members()->front(), (MemberRow{"aarhus", "Aarhus Kommune", at_second(0)}));
  EXPECT_EQ(store().users()->front(), (UserRow{"usr_a", "aarhus", "Anne", at_second(0)}));
  EXPECT_EQ(store().keys().value(), std::vector{key});
}

TEST_P(StoreConformance, TakesNoIdAndNoHashTwice) {
  add_people();
  ASSERT_TRUE(store().add_key(key_row("a", "aarhus")));
  EXPECT_EQ(store().add_member({"aarhus", "again", at_second(0)}).error().code, Errc::exists);
  KeyRow same_hash = key_row("a", "aarhus");
  same_hash.id = "key_b";
  EXPECT_EQ(store().add_key(same_hash).error().code, Errc::exists);
}

TEST_P(StoreConformance, RefusesWhatRefersToNobody) {
  EXPECT_EQ(store().add_user({"usr_a", "nobody", "Anne", at_second(0)}).error().code, Errc::not_found);
  EXPECT_EQ(store().add_key(key_row("a", "nobody")).error().code, Errc::not_found);
}

TEST_P(StoreConformance, UpdatesAndRevokesKeys) {
  add_people();
  KeyRow key = key_row("a", "aarhus");
  ASSERT_TRUE(store().add_key(key));
  key.member = "odense";
  key.name = "renamed";
  key.revoked_at = at_second(5);
  key.revoked_by = RevokedBy::person;
  ASSERT_TRUE(store().update_key(key));
  ASSERT_TRUE(store().set_key_last_used(key.id, at_second(6)));
  key.last_used_at = at_second(6);
  EXPECT_EQ(store().keys().value(), std::vector{key});
  EXPECT_EQ(store().update_key(key_row("b", "aarhus")).error().code, Errc::not_found);
}

TEST_P(StoreConformance, KeepsWhatAMemberHasDecided) {
  add_people();
  MemberRow row = store().members()->front();
  row.name = "Aarhus";
  row.contact = "IT, lokal 12";
  row.policy = {{{"gemma", "qwen:7b"}}, 30, ConversationPlace::browser, 365, KeyMakers::admins};
  ASSERT_TRUE(store().update_member(row));
  EXPECT_EQ(store().members()->front(), row);
  row.policy.models = std::vector<std::string>();
  ASSERT_TRUE(store().update_member(row));
  EXPECT_EQ(store().members()->front().policy.models, ModelList(std::vector<std::string>())) << "none is not all";
  const MemberRow whole{"vejle", "Vejle", at_second(1), row.policy, "IT"};
  ASSERT_TRUE(store().add_member(whole));
  EXPECT_EQ(store().members()->back(), whole);
  EXPECT_EQ(store().update_member({"nobody", "x", at_second(0)}).error().code, Errc::not_found);
}

TEST_P(StoreConformance, UpdatesAndDisablesUsers) {
  add_people();
  UserRow row = store().users()->front();
  row.name = "Anne B";
  row.role = Role::member_admin;
  row.email = "anne@aarhus.example";
  row.disabled_at = at_second(3);
  ASSERT_TRUE(store().update_user(row));
  ASSERT_TRUE(store().set_user_last_seen(row.id, at_second(4)));
  row.last_seen_at = at_second(4);
  EXPECT_EQ(store().users()->front(), row);
  row.name = "Anne C";
  row.email = "";
  ASSERT_TRUE(store().set_user_names(row.id, row.name, row.email));
  EXPECT_EQ(store().users()->front(), row);
  EXPECT_EQ(store().set_user_names("none", "x", "").error().code, Errc::not_found);
  EXPECT_EQ(store().update_user(user_row("none", "aarhus")).error().code, Errc::not_found);
}

TEST_P(StoreConformance, TakesAnEmailAndAnExternalIdOfAMemberOnce) {
  add_people();
  UserRow first = user_row("1", "aarhus");
  first.email = "bo@example.dk";
  first.origin = UserOrigin::front_end;
  first.front_end = "webui";
  first.external_id = "77";
  ASSERT_TRUE(store().add_user(first));
  EXPECT_EQ(store().users()->front(), first);
  UserRow other = user_row("2", "aarhus");
  other.email = "Bo@Example.dk";
  EXPECT_EQ(store().add_user(other).error().code, Errc::exists);
  other.email = "";
  other.front_end = "webui";
  other.external_id = "77";
  EXPECT_EQ(store().add_user(other).error().code, Errc::exists);
  other.front_end = "another";
  ASSERT_TRUE(store().add_user(other)) << "another front end has numbers of its own";
  UserRow elsewhere = first;
  elsewhere.id = "usr_3";
  elsewhere.member = "odense";
  ASSERT_TRUE(store().add_user(elsewhere)) << "one person may be of two members";
  other.email = first.email;
  EXPECT_EQ(store().update_user(other).error().code, Errc::exists);
  EXPECT_EQ(store().set_user_names(other.id, "x", first.email).error().code, Errc::exists);
}

TEST_P(StoreConformance, KeepsWhatAKeyMayAndHowItWasRotated) {
  add_people();
  KeyRow old = key_row("a", "aarhus");
  old.origin = KeyOrigin::imported;
  ASSERT_TRUE(store().add_key(old));
  KeyRow fresh = key_row("b", "aarhus");
  fresh.models = {{"gemma"}};
  fresh.show_waiting = ShowWaiting::da;
  fresh.front_end = "webui";
  fresh.rotated_from = old.id;
  ASSERT_TRUE(store().add_key(fresh));
  old.replaced_by = fresh.id;
  old.expires_at = at_second(60);
  ASSERT_TRUE(store().update_key(old));
  EXPECT_EQ(store().keys().value(), (std::vector{old, fresh}));
  fresh.models = std::vector<std::string>();
  fresh.show_waiting = ShowWaiting::en;
  ASSERT_TRUE(store().update_key(fresh));
  EXPECT_EQ(store().keys().value(), (std::vector{old, fresh}));
}

TEST_P(StoreConformance, AddsAuditRowsAndPagesThroughThemNewestFirst) {
  std::vector<AuditRow> rows;
  for (int i = 0; i < 25; ++i) {
    rows.push_back(audit_row(i, i % 5 == 0 ? "odense" : "aarhus"));
    rows.back().at = at_second(i / 4);  // several in the same moment
    if (i % 2 == 0) rows.back().outcome = AuditOutcome::refused;
    rows.back().times = static_cast<std::uint32_t>(i + 1);
    ASSERT_TRUE(store().add_audit(rows.back()));
  }
  for (const std::string member : {"", "odense"}) {
    std::vector<AuditRow> wanted;
    for (auto row = rows.rbegin(); row != rows.rend(); ++row)
      if (member.empty() || row->object_member == member) wanted.push_back(*row);
    std::vector<AuditRow> seen;
    std::string before;
    do {
      const auto page = store().audit({.member = member}, before, 4);
      ASSERT_TRUE(page);
      seen.insert(seen.end(), page->rows.begin(), page->rows.end());
      before = page->next;
    } while (!before.empty());
    EXPECT_EQ(seen, wanted) << member;
  }
  EXPECT_EQ(store().audit({}, "aud_none", 10).error().code, Errc::not_found);
  EXPECT_EQ(store().add_audit(rows[0]).error().code, Errc::exists);
}

TEST_P(StoreConformance, FindsAuditRowsByTimeActorActionObjectAndWhoseTheyAre) {
  std::vector<AuditRow> rows{audit_row(1), audit_row(2, "odense"), audit_row(3, "")};
  rows[1].action = "user.create";
  rows[1].actor = "usr_o";
  for (const AuditRow& row : rows) ASSERT_TRUE(store().add_audit(row));
  const auto found = [&](const AuditFilter& filter) { return store().audit(filter, "", 10)->rows; };
  EXPECT_EQ(found({.from = at_second(2), .to = at_second(3)}), std::vector{rows[1]}) << "from ≤ time < to";
  EXPECT_EQ(found({.actor = "usr_o"}), std::vector{rows[1]});
  EXPECT_EQ(found({.action = "user.create"}), std::vector{rows[1]});
  EXPECT_EQ(found({.object = rows[0].object}), std::vector{rows[0]});
  EXPECT_EQ(found({.member = "odense"}), std::vector{rows[1]}) << "the object's member has it, not the actor's";
  EXPECT_EQ(found({.member = "aarhus"}), (std::vector{rows[2], rows[0]})) << "without one the actor's has it";
}

TEST_P(StoreConformance, KeepsSettingsByKey) {
  ASSERT_TRUE(store().set_setting({"maintenance", "on", at_second(1)}));
  ASSERT_TRUE(store().set_setting({"announcement", "hej", at_second(1)}));
  ASSERT_TRUE(store().set_setting({"maintenance", "", at_second(2)}));
  EXPECT_EQ(store().settings().value(),
            (std::vector<SettingRow>{{"announcement", "hej", at_second(1)}, {"maintenance", "", at_second(2)}}));
  EXPECT_EQ(store().find_setting("maintenance").value(), (SettingRow{"maintenance", "", at_second(2)}));
  EXPECT_EQ(store().find_setting("nothing").value(), std::nullopt);
}

TEST_P(StoreConformance, ReplacesASettingOnlyWhereItIsAsItWasSeen) {
  const auto replace = [&](std::string value, std::int64_t second, std::optional<std::string> before) {
    const auto done = store().replace_setting({"bulletin", std::move(value), at_second(second)}, before);
    return done ? std::nullopt : std::optional(done.error().code);
  };
  EXPECT_EQ(replace("a", 1, "seen"), Errc::conflict) << "there is none";
  EXPECT_EQ(replace("a", 1, std::nullopt), std::nullopt);
  EXPECT_EQ(replace("b", 2, std::nullopt), Errc::conflict) << "there is one";
  EXPECT_EQ(replace("b", 2, "other"), Errc::conflict);
  EXPECT_EQ(store().find_setting("bulletin").value(), (SettingRow{"bulletin", "a", at_second(1)}));
  EXPECT_EQ(replace("b", 2, "a"), std::nullopt);
  EXPECT_EQ(store().find_setting("bulletin").value(), (SettingRow{"bulletin", "b", at_second(2)}));
}

TEST_P(StoreConformance, KeepsModelsAndAliasesByNameAndApart) {
  for (const NamedKind kind : {NamedKind::model, NamedKind::alias}) {
    const NamedRow a{"a/æ:1", 1, R"({"version":1})", at_second(1)}, b{"b", 1, "{}", at_second(2)};
    NamedRow capital{"B", 7, "", at_second(3)};
    for (const NamedRow& row : {b, a, capital}) ASSERT_TRUE(store().set_named(kind, row));
    EXPECT_EQ(store().named(kind, "", 10).value(), (std::vector{capital, a, b})) << "by the bytes of their names";
    EXPECT_EQ(store().named(kind, "", 2).value(), (std::vector{capital, a}));
    EXPECT_EQ(store().named(kind, a.name, 2).value(), std::vector{b});
    EXPECT_EQ(store().find_named(kind, "b").value(), b);
    EXPECT_EQ(store().find_named(kind, "c").value(), std::nullopt);
    capital.value = kind == NamedKind::model ? "one" : "other";
    ASSERT_TRUE(store().update_named(kind, capital));
    EXPECT_EQ(store().find_named(kind, "B").value(), capital);
  }
  EXPECT_EQ(store().find_named(NamedKind::model, "B")->value().value, "one");
  EXPECT_EQ(store().settings().value(), std::vector<SettingRow>());
}

TEST_P(StoreConformance, LetsNoActOnAModelGoUnderInAnother) {
  NamedRow row{"m", 2, "mine", at_second(1)};
  ASSERT_TRUE(store().set_named(NamedKind::model, row));
  const NamedRow theirs{"m", 2, "theirs", at_second(2)}, late{"m", 1, "late", at_second(2)};
  for (const NamedRow& refused : {theirs, late}) {
    const auto set = store().set_named(NamedKind::model, refused);
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().code, Errc::conflict);
  }
  ASSERT_TRUE(store().update_named(NamedKind::model, late)) << "it says what became of a version that is over";
  EXPECT_EQ(store().find_named(NamedKind::model, "m").value(), row);
  ASSERT_TRUE(store().set_named(NamedKind::model, {"m", 3, "next", at_second(3)}));
  EXPECT_EQ(store().find_named(NamedKind::model, "m")->value().value, "next");
}

TEST_P(StoreConformance, LetsASignInLinkWorkOnce) {
  add_people();
  const Digest link = crypto::sha256("link");
  ASSERT_TRUE(store().add_sign_in_link({link, "usr_a", at_second(0), at_second(900), std::nullopt}));
  EXPECT_EQ(store().use_sign_in_link(crypto::sha256("other"), at_second(1)).error().code, Errc::not_found);
  EXPECT_EQ(store().use_sign_in_link(link, at_second(1)).value(), "usr_a");
  EXPECT_EQ(store().use_sign_in_link(link, at_second(2)).error().code, Errc::conflict);
}

TEST_P(StoreConformance, LetsASignInLinkExpire) {
  add_people();
  const Digest link = crypto::sha256("link");
  ASSERT_TRUE(store().add_sign_in_link({link, "usr_a", at_second(0), at_second(900), std::nullopt}));
  EXPECT_EQ(store().use_sign_in_link(link, at_second(900)).error().code, Errc::timeout);
  ASSERT_TRUE(store().remove_expired(at_second(900)));
  EXPECT_EQ(store().use_sign_in_link(link, at_second(1)).error().code, Errc::not_found);
}

TEST_P(StoreConformance, KeepsSessionsUntilTheyExpireOrAreRemoved) {
  add_people();
  const SessionRow first{crypto::sha256("1"), "usr_a", at_second(0), at_second(10)};
  const SessionRow second{crypto::sha256("2"), "usr_a", at_second(0), at_second(20)};
  ASSERT_TRUE(store().add_session(first));
  ASSERT_TRUE(store().add_session(second));
  EXPECT_EQ(store().sessions(at_second(9))->size(), 2U);
  EXPECT_EQ(store().sessions(at_second(10)).value(), std::vector{second});
  ASSERT_TRUE(store().remove_session(second.hash));
  EXPECT_TRUE(store().sessions(at_second(10))->empty());
}

TEST_P(StoreConformance, RemovesTheSessionsAndUnusedLinksOfOneUser) {
  add_people();
  const SessionRow theirs{crypto::sha256("1"), "usr_a", at_second(0), at_second(10)};
  const SessionRow others{crypto::sha256("2"), "usr_o", at_second(0), at_second(10)};
  ASSERT_TRUE(store().add_session(theirs));
  ASSERT_TRUE(store().add_session(others));
  const Digest link = crypto::sha256("link");
  ASSERT_TRUE(store().add_sign_in_link({link, "usr_a", at_second(0), at_second(900), std::nullopt}));
  ASSERT_TRUE(store().remove_sessions_of("usr_a"));
  EXPECT_EQ(store().sessions(at_second(1)).value(), std::vector{others});
  EXPECT_EQ(store().use_sign_in_link(link, at_second(1)).error().code, Errc::not_found);
}

TEST_P(StoreConformance, DoesAllOrNothingTogether) {
  const auto done = store().together([&]() -> Expected<void> {
    if (auto added = store().add_member({"aarhus", "Aarhus", at_second(0)}); !added) return added;
    return fail(Errc::conflict, "changed my mind");
  });
  EXPECT_EQ(done.error().code, Errc::conflict);
  EXPECT_TRUE(store().members()->empty());
  ASSERT_TRUE(store().together([&] { return store().add_member({"aarhus", "Aarhus", at_second(0)}); }));
  EXPECT_EQ(store().members()->size(), 1U);
}

TEST_P(StoreConformance, KeepsTheRestTogetherWhereOneChangeIsRefusedAndThatIsAllowed) {
  ASSERT_TRUE(store().together([&]() -> Expected<void> {
    if (auto added = store().add_member({"aarhus", "Aarhus", at_second(0)}); !added) return added;
    EXPECT_EQ(store().add_member({"aarhus", "again", at_second(0)}).error().code, Errc::exists);
    return store().add_member({"odense", "Odense", at_second(0)});
  }));
  EXPECT_EQ(store().members()->size(), 2U);
}

// These end in an answer to whoever asked, so they tell neither where the database is nor what it says.
TEST_P(StoreConformance, RefusesARowInItsOwnWords) {
  add_people();
  for (const Error& error :
       {store().add_member({"aarhus", "again", at_second(0)}).error(), store().add_key(key_row("a", "none")).error()})
    for (const char* theirs : {"://", "/", "database", ".db", "duplicate", "violates", "UNIQUE", "FOREIGN"})
      EXPECT_EQ(error.message.find(theirs), std::string::npos) << error.message;
}

}  // namespace faelled::store
