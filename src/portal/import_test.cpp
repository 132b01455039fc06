#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

class KeyImport : public PortalTest {
 protected:
  static std::string row(const std::string& secret, const std::string& more = {}) {
    return fmt::format(R"({{"line":2,"hash":"{}","name":"old"{}}})", crypto::hex(crypto::sha256(secret)), more);
  }
  static Task<Answer> import(World& world, bool apply, std::string rows,
                             std::string more = R"(,"default_member":"aarhus")") {
    co_return co_await world.ask_owner("POST", "/api/keys/import",
                                       fmt::format(R"({{"apply":{},"keys":[{}]{}}})", apply, rows, more));
  }
};

TEST_F(KeyImport, ShowsFirstThenDoesItAndThenFindsNothingToDo) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.ask_owner("POST", "/api/members", R"({"id":"aarhus","name":"Aarhus"})");
    const std::string rows = row("an-old-key-of-another-shape", R"(,"user":"ida","team":"t")") + "," +
                             row("sk-blocked", R"(,"blocked":true)");
    const Answer shown = co_await import(world, false, rows);
    EXPECT_EQ(shown.status, 200) << shown.body;
    EXPECT_EQ(text_at(shown.body, "applied"), "false");
    EXPECT_EQ(text_at(shown.body, "counts.add"), "1");
    EXPECT_EQ(text_at(shown.body, "counts.add_blocked"), "1");
    EXPECT_EQ(text_at(shown.body, "keys.0.member"), "aarhus");
    EXPECT_TRUE(world.directory->keys().empty());
    const Answer done = co_await import(world, true, rows);
    EXPECT_EQ(text_at(done.body, "applied"), "true");
    const auto caller = world.directory->authenticate("an-old-key-of-another-shape", world.clock.wall());
    EXPECT_TRUE(caller);
    if (caller) {
      EXPECT_EQ(caller->member, "aarhus");
      EXPECT_EQ(world.directory->user(caller->user)->name, "ida");
    }
    EXPECT_FALSE(world.directory->authenticate("sk-blocked", world.clock.wall()));
    const Answer again = co_await import(world, true, rows);
    EXPECT_EQ(text_at(again.body, "counts.here"), "2");
    EXPECT_EQ(text_at(again.body, "counts.add"), "0");
    EXPECT_EQ(world.directory->keys().size(), 2U);
  });
}

TEST_F(KeyImport, DoesNothingWhileOneKeyIsBad) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.ask_owner("POST", "/api/members", R"({"id":"aarhus","name":"Aarhus"})");
    const Answer refused =
        co_await import(world, true, row("sk-good-one") + "," + row("sk-bad-one", R"(,"member":"nobody")"));
    EXPECT_EQ(text_at(refused.body, "applied"), "false");
    EXPECT_EQ(text_at(refused.body, "keys.1.verdict"), "bad");
    EXPECT_TRUE(text_at(refused.body, "keys.1.why").contains("no member 'nobody'"));
    EXPECT_TRUE(world.directory->keys().empty());
  });
}

TEST_F(KeyImport, SaysWhatIsWrongWithItsBody) {
  in_world([](World& world) -> Task<void> {
    for (const char* keys : {"1", R"({"line":1,"hash":"00","name":"x"})", R"({"hash":"00","name":"x"})"})
      EXPECT_EQ((co_await import(world, false, keys)).status, 400) << keys;
    EXPECT_EQ((co_await import(world, false, row("a", R"(,"expires_at":"soon")"))).status, 400);
    EXPECT_EQ((co_await import(world, false, row("a", R"(,"colour":"red")"))).status, 400);
    EXPECT_EQ((co_await import(world, false, "", R"(,"teams":{"a":1})")).status, 400);
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/keys/import", "{}")).status, 400);
    EXPECT_EQ((co_await world.ask("POST", "/api/keys/import", "{}")).status, 401);
  });
}

}  // namespace
}  // namespace faelled::portal
