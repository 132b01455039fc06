#include "store/store_conformance_testing.hpp"

namespace faelled::store {

TEST_P(StoreConformance, KeepsTiersAndTheirNewestValues) {
  TierRow big = tier_row("stor");
  TierRow bare{"bar", "Bar", {}, 0, {}, {}, {}, at_second(1)};
  ASSERT_TRUE(store().set_tier(big));
  ASSERT_TRUE(store().set_tier(bare));
  EXPECT_EQ(store().tiers().value(), (std::vector{bare, big}));
  big.share = 52;
  big.models = {};
  big.updated_at = at_second(2);
  ASSERT_TRUE(store().set_tier(big));
  EXPECT_EQ(store().tiers().value(), (std::vector{bare, big}));
  ASSERT_TRUE(store().remove_tier("bar"));
  EXPECT_EQ(store().remove_tier("bar").error().code, Errc::not_found);
  EXPECT_EQ(store().tiers().value(), std::vector{big});
}

TEST_P(StoreConformance, KeepsWhatWasPromisedWhen) {
  add_people();
  AgreementRow first = agreement_row(1);
  AgreementRow whole = agreement_row(2, "odense");
  whole.until = whole.from + std::chrono::days(30);
  whole.places = 8;
  whole.wait_s = 60;
  whole.models = {"gemma", "qwen:7b"};
  whole.inhabitants = 209'000;
  whole.suspended = true;
  whole.reason_da = "Regningen er ikke betalt æøå";
  whole.reason_en = "The invoice is not paid";
  whole.follows = "agr_0";
  ASSERT_TRUE(store().add_agreement(first));
  ASSERT_TRUE(store().add_agreement(whole));
  EXPECT_EQ(store().agreements(at_second(3)).value(), (std::vector{first, whole}));
  EXPECT_EQ(store().add_agreement(first).error().code, Errc::exists);
  EXPECT_EQ(store().add_agreement(agreement_row(9, "nobody")).error().code, Errc::not_found);

  ASSERT_TRUE(store().end_agreement(first.id, at_second(5), ActorKind::owner, ""));
  first.ended_at = at_second(5);
  first.ended_by_kind = ActorKind::owner;
  EXPECT_EQ(store().agreements(at_second(4)).value(), (std::vector{first, whole})) << "it is not over yet";
  EXPECT_EQ(store().agreements(at_second(5)).value(), std::vector{whole});
  EXPECT_EQ(store().end_agreement(first.id, at_second(6), ActorKind::user, "usr_a").error().code, Errc::conflict);
  EXPECT_EQ(store().end_agreement("agr_none", at_second(6), ActorKind::user, "").error().code, Errc::not_found);
  EXPECT_EQ(store().agreements(WallTime(*whole.until) + std::chrono::hours(23)).value(), std::vector{whole})
      << "its last day";
  EXPECT_TRUE(store().agreements(WallTime(*whole.until) + std::chrono::hours(24))->empty());
  EXPECT_EQ(store().agreement_history("", "", 10)->rows, (std::vector{whole, first})) << "nothing is forgotten";
}

TEST_P(StoreConformance, PagesThroughAMembersHistoryNewestFirst) {
  add_people();
  std::vector<AgreementRow> rows;
  for (int i = 0; i < 25; ++i) {
    rows.push_back(agreement_row(i, i % 5 == 0 ? "odense" : "aarhus"));
    rows.back().made_at = at_second(i / 4);  // several in the same moment
    ASSERT_TRUE(store().add_agreement(rows.back()));
  }
  for (const std::string member : {"", "odense"}) {
    std::vector<AgreementRow> wanted, found;
    for (auto row = rows.rbegin(); row != rows.rend(); ++row)
      if (member.empty() || row->member == member) wanted.push_back(*row);
    std::string before;
    do {
      const auto page = store().agreement_history(member, before, 2);
      ASSERT_TRUE(page);
      ASSERT_LE(page->rows.size(), 2U);
      found.insert(found.end(), page->rows.begin(), page->rows.end());
      before = page->next;
    } while (!before.empty());
    EXPECT_EQ(found, wanted) << member;
  }
  EXPECT_EQ(store().agreement_history("", "agr_none", 2).error().code, Errc::not_found);
}

}  // namespace faelled::store
