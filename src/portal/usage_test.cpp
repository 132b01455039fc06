#include <algorithm>

#include "portal/render.hpp"
#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

class Usage : public PortalTest {};

ledger::UsageRow row_of(World& world, int number, const std::string& caller, const std::string& member = "aarhus") {
  ledger::UsageRow row;
  row.request_id = fmt::format("req_{:06}", number);
  row.member = member;
  row.caller = row.key = caller;
  row.model = "m";
  row.started_at = world.clock.wall() + std::chrono::seconds(number);
  row.input_tokens = 3;
  row.output_tokens = 2;
  row.total_us = 5;
  row.outcome = ledger::Outcome::done;
  return row;
}

void spend(World& world, const ledger::UsageRow& row) {
  auto opening = world.journal->opened(row);
  ASSERT_TRUE(opening);
  world.journal->closed(std::move(*opening), row);
}

TEST_F(Usage, IsSummedAndListedForEachTheirOwn) {
  in_world([](World& world) -> Task<void> {
    const std::string cookie = co_await world.signed_in("aarhus", "Ida");
    const std::string me = text_at((co_await world.ask("GET", "/api/session", {}, cookie)).body, "user.id");
    for (int i = 0; i < 5; ++i) spend(world, row_of(world, i, i < 2 ? me : "key_other", i < 4 ? "aarhus" : "odense"));
    const Answer mine = co_await world.ask("GET", "/api/usage?member=odense", {}, cookie);
    EXPECT_EQ(text_at(mine.body, "usage.0.requests"), "2") << mine.body;
    EXPECT_EQ(text_at(mine.body, "usage.0.input_tokens"), "6");
    EXPECT_EQ(text_at(mine.body, "usage.1"), "") << "nobody else's, whatever was asked";
    EXPECT_EQ(text_at((co_await world.ask_owner("GET", "/api/usage?member=odense")).body, "usage.0.requests"), "1");
    EXPECT_EQ(text_at((co_await world.ask_owner("GET", "/api/usage")).body, "usage.2.requests"), "1");

    std::vector<std::string> seen;
    std::string next;
    do {
      const Answer page =
          co_await world.ask_owner("GET", "/api/usage?rows=true&limit=2" + (next.empty() ? "" : "&after=" + next));
      for (int i = 0; i < 2; ++i)
        if (auto id = text_at(page.body, fmt::format("rows.{}.request_id", i)); !id.empty()) seen.push_back(id);
      next = text_at(page.body, "next");
    } while (next != "null" && seen.size() < 20);
    EXPECT_EQ(seen, (std::vector<std::string>{"req_000000", "req_000001", "req_000002", "req_000003", "req_000004"}));
    const Answer row =
        co_await world.ask_owner("GET", "/api/usage?rows=true&from=2026-01-01T00:00:01Z&to=2026-01-01T00:00:01.5Z");
    EXPECT_EQ(text_at(row.body, "rows.0.request_id"), "req_000001");
    EXPECT_EQ(text_at(row.body, "rows.0.total_us"), "5");
    EXPECT_EQ(text_at(row.body, "rows.1"), "");
    for (const auto& [query, param] : {std::pair("from=today", "from"), std::pair("to=2026-13-01", "to"),
                                       std::pair("format=xml", "format"), std::pair("rows=true&limit=1001", "limit"),
                                       std::pair("rows=perhaps", "rows"), std::pair("rows=true&after=none", "after")}) {
      const Answer wrong = co_await world.ask_owner("GET", fmt::format("/api/usage?{}", query));
      EXPECT_EQ(wrong.status, 400) << query;
      EXPECT_EQ(text_at(wrong.body, "error.param"), param);
    }
  });
}

TEST_F(Usage, IsSummedByTheHourAndByModel) {
  in_world([](World& world) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      ledger::UsageRow row = row_of(world, i * 3600, "key_1");
      if (i == 2) row.model = "other";
      spend(world, row);
    }
    const Answer hours = co_await world.ask_owner("GET", "/api/usage?by=hour&caller=key_1&model=m&from=2026-01-01");
    EXPECT_EQ(text_at(hours.body, "usage.0.hour"), "2026-01-01T00:00:00.000000Z") << hours.body;
    EXPECT_EQ(text_at(hours.body, "usage.1.hour"), "2026-01-01T01:00:00.000000Z");
    EXPECT_EQ(text_at(hours.body, "usage.2"), "") << "the other model's";
    const Answer rows = co_await world.ask_owner("GET", "/api/usage?rows=true&model=other");
    EXPECT_EQ(text_at(rows.body, "rows.0.model"), "other");
    EXPECT_EQ(text_at(rows.body, "rows.1"), "");
    EXPECT_EQ(
        (co_await world.ask_owner("GET", "/api/usage?by=hour&caller=key_1&model=other&from=2026-01-01&format=csv"))
            .body,
        std::string(csv_hour_head) + "aarhus,key_1,other,1,3,0,2,2026-01-01T02:00:00.000000Z\r\n");
    for (const auto& [query, param] :
         {std::pair("by=day", "by"), std::pair("by=hour&from=2026-01-01", "by"),
          std::pair("by=hour&caller=key_1", "from"),
          std::pair("by=hour&caller=key_1&from=2026-01-01&to=2026-03-01", "from"), std::pair("model=m", "model")}) {
      const Answer wrong = co_await world.ask_owner("GET", fmt::format("/api/usage?{}", query));
      EXPECT_EQ(wrong.status, 400) << query;
      EXPECT_EQ(text_at(wrong.body, "error.param"), param) << query;
    }
  });
}

TEST_F(Usage, OfAnAuditorIsOnePageSoThatNoTwoPagesTellOnePersonApart) {
  in_world([](World& world) -> Task<void> {
    for (int i = 0; i < 3; ++i) spend(world, row_of(world, i, i == 0 ? "usr_01" : "usr_02", "odense"));
    const std::string auditor = co_await world.signed_in_as("aarhus", "Rie", "auditor");
    const std::string sums = "/api/usage?scope=all&member=odense";
    const Answer all = co_await world.ask("GET", sums + "&limit=1", {}, auditor);
    EXPECT_EQ(text_at(all.body, "usage.0.requests"), "3") << all.body;
    EXPECT_EQ(text_at(all.body, "usage.1"), "");
    EXPECT_EQ(text_at(all.body, "next"), "null");
    for (const std::string after : {"odense,usr_01,m", "odense,usr_01"}) {
      const Answer behind = co_await world.ask("GET", fmt::format("{}&after={}", sums, after), {}, auditor);
      EXPECT_EQ(behind.status, 400) << behind.body;
      EXPECT_EQ(text_at(behind.body, "error.param"), "after");
    }
  });
}

TEST_F(Usage, AsCsvSaysWhereItGoesOn) {
  in_world([](World& world) -> Task<void> {
    for (int i = 0; i < 3; ++i) spend(world, row_of(world, i, "key_1"));
    const Answer first = co_await world.ask_owner("GET", "/api/usage?rows=true&format=csv&limit=2");
    EXPECT_EQ(first.header("Content-Type"), "text/csv; charset=utf-8");
    EXPECT_TRUE(first.body.starts_with(csv_usage_head));
    EXPECT_EQ(std::ranges::count(first.body, '\n'), 3);
    const Answer second =
        co_await world.ask_owner("GET", "/api/usage?rows=true&format=csv&limit=2&after=" + first.header("x-next"));
    EXPECT_TRUE(
        second.body.starts_with("req_000002,aarhus,key_1,key_1,,m,2026-01-01T00:00:02.000000Z,3,0,2,0,0,0,5,done,\r\n"))
        << second.body;
    EXPECT_TRUE(second.header("x-next").empty());
    EXPECT_EQ((co_await world.ask_owner("GET", "/api/usage?format=csv")).body,
              std::string(csv_sum_head) + "aarhus,key_1,m,3,9,0,6\r\n");
  });
}

}  // namespace
}  // namespace faelled::portal
