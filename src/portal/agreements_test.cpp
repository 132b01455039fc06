#include "portal/agreement_wish.hpp"
#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

class AgreementsApi : public PortalTest {
 protected:
  static constexpr std::string_view two =
      R"({"whole":true,"tiers":[{"id":"stor","name":"Stor","share":52,"places":16,"wait_s":60,"fee_ore":566800},)"
      R"({"id":"lille","share":22,"places":4,"models":["m"],"fee_ore":239800}],)"
      R"("agreements":[{"member":"aarhus","tier":"stor","from":"2026-01-01"},)"
      R"({"member":"odense","tier":"lille","from":"2026-01-01","until":"2026-12-31"}])"
      "}";

  // Two members with their administrators.
  struct People {
    std::string ada, ole, per, rita, anne;
  };
  static Task<People> people(World& world) {
    People out;
    out.ada = co_await world.signed_in_as("aarhus", "Ada", "member_admin");
    out.rita = co_await world.signed_in_as("aarhus", "Rita", "auditor");
    out.anne = co_await world.signed_in("aarhus", "Anne");
    out.ole = co_await world.signed_in_as("odense", "Ole", "member_admin");
    out.per = co_await world.signed_in_as("odense", "Per", "operator");
    co_return out;
  }
  static Task<Answer> apply(World& world, std::string_view wish) {
    co_return co_await world.ask_owner("POST", "/api/agreements", std::string(wish));
  }
};

TEST_F(AgreementsApi, ShowsTheDifferenceFirstAndDoesItOnce) {
  in_world([](World& world) -> Task<void> {
    const People who = co_await people(world);
    const Answer plan = co_await world.ask("POST", "/api/agreements/plan", std::string(two), who.per);
    EXPECT_EQ(plan.status, 200) << plan.body;
    EXPECT_EQ(text_at(plan.body, "applied"), "false");
    EXPECT_EQ(text_at(plan.body, "steps.0.kind"), "add_tier");
    EXPECT_EQ(text_at(plan.body, "steps.2.kind"), "begin");
    EXPECT_EQ(text_at(plan.body, "steps.2.after.share"), "52");
    EXPECT_EQ(text_at(plan.body, "steps.2.after.id"), "null");
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/agreements", {}, who.per)).body, "total"), "0") << "not done";
    std::string with_plan(two);
    with_plan.insert(1, fmt::format(R"("plan":"{}",)", text_at(plan.body, "plan")));
    const Answer done = co_await world.ask("POST", "/api/agreements", with_plan, who.per);
    EXPECT_EQ(done.status, 200) << done.body;
    EXPECT_EQ(text_at(done.body, "applied"), "true");
    EXPECT_TRUE(text_at(done.body, "steps.2.after.id").starts_with("agr_"));
    EXPECT_EQ((co_await world.ask("POST", "/api/agreements", with_plan, who.per)).status, 409)
        << "that plan is not what would be done now";
    const Answer again = co_await world.ask("POST", "/api/agreements/plan", std::string(two), who.per);
    EXPECT_EQ(text_at(again.body, "steps"), "[]");
    EXPECT_EQ(text_at(again.body, "plan"), "null");
  });
}

TEST_F(AgreementsApi, EachMemberReadsItsOwnAndAnAuditorTheRestAsSums) {
  in_world([](World& world) -> Task<void> {
    const People who = co_await people(world);
    EXPECT_EQ((co_await apply(world, two)).status, 200);
    const Answer all = co_await world.ask("GET", "/api/agreements", {}, who.per);
    EXPECT_EQ(text_at(all.body, "total"), "2");
    for (const std::string& reader : {who.ada, who.rita}) {
      const Answer own = co_await world.ask("GET", "/api/agreements", {}, reader);
      EXPECT_EQ(text_at(own.body, "total"), "1");
      EXPECT_EQ(text_at(own.body, "agreements.0.member"), "aarhus");
      EXPECT_EQ(text_at(own.body, "agreements.0.state"), "in_force");
      EXPECT_EQ(text_at(own.body, "agreements.0.made_by"), "null");
      EXPECT_FALSE(own.body.contains("odense"));
      EXPECT_EQ((co_await world.ask("GET", "/api/agreements?member=odense", {}, reader)).status, 404);
      const Answer history = co_await world.ask("GET", "/api/agreements/history", {}, reader);
      EXPECT_FALSE(history.body.contains("odense"));
      EXPECT_EQ(text_at(history.body, "agreements.0.share"), "52");
    }
    const Answer sums = co_await world.ask("GET", "/api/agreements/sums", {}, who.rita);
    EXPECT_EQ(text_at(sums.body, "with_agreement"), "2");
    EXPECT_EQ(text_at(sums.body, "share"), "74");
    EXPECT_EQ(text_at(sums.body, "fee_ore"), "806600");
    EXPECT_FALSE(sums.body.contains("odense"));
    EXPECT_EQ((co_await world.ask("GET", "/api/agreements?member=nobody", {}, who.per)).status, 404);
    EXPECT_EQ((co_await world.ask("GET", "/api/agreements?format=pdf", {}, who.per)).status, 400);
    const Answer csv = co_await world.ask("GET", "/api/agreements?format=csv", {}, who.ada);
    EXPECT_TRUE(csv.body.starts_with(csv_agreement_head)) << csv.body;
    EXPECT_TRUE(csv.body.contains(",aarhus,stor,in_force,2026-01-01,,52,16,4,60,,566800,,false,")) << csv.body;
    EXPECT_FALSE(csv.body.contains("odense"));
    const Answer excel = co_await world.ask("GET", "/api/agreements/history?format=excel&limit=1", {}, who.per);
    EXPECT_TRUE(excel.body.starts_with("\xEF\xBB\xBFid;member;")) << excel.body;
    EXPECT_FALSE(excel.header("x-next").empty());
    EXPECT_EQ((co_await world.ask("GET", "/api/agreements?limit=0", {}, who.per)).status, 400);
    EXPECT_EQ((co_await world.ask("GET", "/api/agreements?after=x", {}, who.per)).status, 400);
    EXPECT_EQ((co_await world.ask("GET", "/api/agreements/history?before=x", {}, who.per)).status, 400);
    const Answer first = co_await world.ask("GET", "/api/agreements?limit=1", {}, who.per);
    const Answer next =
        co_await world.ask("GET", "/api/agreements?limit=1&after=" + text_at(first.body, "next"), {}, who.per);
    EXPECT_EQ(text_at(next.body, "agreements.0.member"), "odense");
    EXPECT_EQ(text_at(next.body, "next"), "null");
  });
}

TEST_F(AgreementsApi, EverybodyReadsTheirMembersPromiseInShort) {
  in_world([](World& world) -> Task<void> {
    const People who = co_await people(world);
    const Answer none = co_await world.ask("GET", "/api/promise", {}, who.anne);
    EXPECT_EQ(none.status, 200);
    EXPECT_EQ(text_at(none.body, "agreement"), "null");
    EXPECT_EQ(text_at(none.body, "share"), "1");
    EXPECT_EQ(text_at(none.body, "shares"), "2");
    EXPECT_EQ(text_at(none.body, "wait_s"), "120");
    EXPECT_EQ((co_await apply(world, two)).status, 200);
    const Answer had = co_await world.ask("GET", "/api/promise", {}, who.anne);
    EXPECT_EQ(text_at(had.body, "tier"), "Stor");
    EXPECT_EQ(text_at(had.body, "share"), "52");
    EXPECT_EQ(text_at(had.body, "shares"), "74");
    EXPECT_EQ(text_at(had.body, "places"), "16");
    EXPECT_EQ(text_at(had.body, "wait_s"), "60");
    EXPECT_EQ(text_at(had.body, "from"), "2026-01-01");
    EXPECT_FALSE(had.body.contains("fee")) << "what it costs is for those who run it";
    const Answer suspended =
        co_await apply(world, R"({"agreements":[{"member":"aarhus","tier":"stor","from":"2026-01-01","suspended":true,)"
                              R"("reason_da":"Regningen er ikke betalt.","reason_en":"The invoice is not paid."}]})");
    EXPECT_EQ(text_at(suspended.body, "steps.0.kind"), "change") << suspended.body;
    const Answer now = co_await world.ask("GET", "/api/promise", {}, who.anne);
    EXPECT_EQ(text_at(now.body, "suspended"), "true");
    EXPECT_EQ(text_at(now.body, "reason_da"), "Regningen er ikke betalt.");
  });
}

TEST_F(AgreementsApi, SaysWhereMorePlacesArePromisedThanThereAre) {
  in_world([](World& world) -> Task<void> {
    const People who = co_await people(world);
    const Answer done = co_await apply(world, two);
    EXPECT_TRUE(text_at(done.body, "warnings.0.message").contains("up to 16 places are promised and there are 4"))
        << done.body;
    EXPECT_TRUE(text_at(done.body, "warnings.0.message_da").contains("op til 16 pladser, og der er 4"));
    const Answer list = co_await world.ask("GET", "/api/agreements", {}, who.per);
    EXPECT_EQ(text_at(list.body, "places.promised"), "16");
    EXPECT_EQ(text_at(list.body, "places.there"), "4");
    EXPECT_EQ(text_at(list.body, "agreements.0.places_now"), "4");
    EXPECT_EQ(text_at(list.body, "agreements.1.places_now"), "1");
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/promise", {}, who.anne)).body, "places_now"), "4");
    EXPECT_EQ((co_await world.ask("POST", "/api/tiers", R"({"id":"giant","share":9,"places":64})", who.per)).status,
              200);
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/promise", {}, who.anne)).body, "places_now"), "4")
        << "a tier that nobody has takes nothing from anybody";
  });
}

TEST_F(AgreementsApi, TiersAreMadeChangedAndRemoved) {
  in_world([](World& world) -> Task<void> {
    const People who = co_await people(world);
    EXPECT_EQ((co_await apply(world, two)).status, 200);
    const Answer changed = co_await world.ask("POST", "/api/tiers", R"({"id":"stor","share":60,"fee_ore":1})", who.per);
    EXPECT_EQ(text_at(changed.body, "steps.0.kind"), "change_tier") << changed.body;
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/tiers", {}, who.per)).body, "tiers.1.share"), "60");
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/promise", {}, who.anne)).body, "share"), "52") << "as promised";
    EXPECT_EQ((co_await world.ask("DELETE", "/api/tiers/stor", {}, who.per)).status, 200);
    EXPECT_EQ((co_await world.ask("DELETE", "/api/tiers/stor", {}, who.per)).status, 404);
    const Answer wrong = co_await world.ask("POST", "/api/tiers", R"({"id":"stor","share":0})", who.per);
    EXPECT_EQ(wrong.status, 400);
    EXPECT_TRUE(text_at(wrong.body, "error.message").contains("share is 0")) << wrong.body;
  });
}

TEST_F(AgreementsApi, TellsAllProblemsOfAWishAndRefusesToDoIt) {
  in_world([](World& world) -> Task<void> {
    const People who = co_await people(world);
    const std::string bad =
        R"({"tiers":[{"id":"stor","share":-1,"fee_ore":0}],"agreements":[)"
        R"({"member":"nobody","tier":"stor","from":"2026-01-01"},{"member":"aarhus","tier":"none","from":"2026-01-01"}]})";
    const Answer plan = co_await world.ask("POST", "/api/agreements/plan", bad, who.per);
    EXPECT_EQ(plan.status, 200);
    EXPECT_EQ(text_at(plan.body, "problems.0.at"), "tiers[0].share");
    EXPECT_EQ(text_at(plan.body, "problems.1.at"), "agreements[0].member");
    EXPECT_EQ(text_at(plan.body, "problems.2.at"), "agreements[1].tier");
    EXPECT_EQ(text_at(plan.body, "steps"), "[]");
    EXPECT_EQ((co_await world.ask("POST", "/api/agreements", bad, who.per)).status, 400);
    for (const std::string& body :
         {std::string(R"({"agreements":[{"member":"aarhus","tier":"stor","from":"2026-02-30"}]})"),
          std::string(R"({"agreements":[{"member":"aarhus","tier":"stor"}]})"), std::string(R"({"agreements":[7]})"),
          std::string(R"({"agreements":{}})"), std::string(R"({"tiers":[{"id":"a","shares":1}]})"),
          std::string(R"({"share_by":{"key":"moon"}})"), std::string(R"({"wholly":true})"), std::string("[]"),
          std::string(R"({"tiers":[{"id":"a","share":1.5}]})"), std::string(R"({"ended":[1]})")}) {
      EXPECT_EQ((co_await world.ask("POST", "/api/agreements/plan", body, who.per)).status, 400) << body;
    }
    const Answer wrong = co_await world.ask(
        "POST", "/api/agreements/plan", R"({"agreements":[{"member":"aarhus","tier":"stor","from":"soon"}]})", who.per);
    EXPECT_TRUE(text_at(wrong.body, "error.message").contains("agreements[0].from")) << wrong.body;
  });
}

TEST_F(AgreementsApi, ReckonsByInhabitants) {
  in_world([](World& world) -> Task<void> {
    (void)co_await people(world);
    const Answer done =
        co_await apply(world, R"({"share_by":{"key":"size_class","bands":[{"below":60000,"value":32},{"value":52}]},)"
                              R"("fee_by":{"key":"inhabitants","each":2500,"per":12,"knee":150000,"above":1250},)"
                              R"("inhabitants":[{"member":"aarhus","inhabitants":300000}],"tiers":[{"id":"stor"}],)"
                              R"("agreements":[{"member":"aarhus","tier":"stor","from":"2026-01-01"}]})");
    EXPECT_EQ(text_at(done.body, "steps.1.after.share"), "52") << done.body;
    EXPECT_EQ(text_at(done.body, "steps.1.after.fee_ore"), "46875000");
    EXPECT_EQ(text_at(done.body, "steps.1.after.inhabitants"), "300000");
  });
}

}  // namespace
}  // namespace faelled::portal
