// Events as text: whole, readable again, and with a plain word for what is wrong.
#include "commons/event_text.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "base/random.hpp"

namespace faelled::commons {
namespace {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  bool flag() { return below(2) == 1; }
  std::uint64_t large() {
    const std::uint64_t value = random_.next() >> below(64);
    return below(20) == 0 ? std::numeric_limits<std::uint64_t>::max() : value;
  }
  std::uint32_t count() { return static_cast<std::uint32_t>(large()); }
  Work work() { return static_cast<Work>(large()); }
  Instant instant() { return Instant(Duration(static_cast<std::int64_t>(large()))); }
  std::string name() {
    std::string out;
    for (std::uint64_t bytes = below(12); bytes > 0; --bytes)
      out += flag() ? static_cast<char>(below(256)) : "abc-_%> .:"[below(10)];
    return below(10) == 0 ? "-" : out;
  }

  Event event() {
    switch (below(12)) {
      case 0:
        return Agree{name(), large(), count()};
      case 1:
        return Restore{name(), work(), work(), work()};
      case 2:
        return Capacity{work()};
      case 3:
        return Leave{name()};
      case 4:
        return EngineIs{name(), name(), count(), count(), flag(), {count(), count()}};
      case 5:
        return EngineGone{name()};
      case 6:
        return Arrive{large(), name(),  name(),  name(),   flag() ? Lane::batch : Lane::interactive,
                      flag(),  count(), count(), instant()};
      case 7:
        return Room{name(), count()};
      case 8:
        return Declined{large()};
      case 9:
        return Progress{large(), count(), count()};
      case 10:
        return End{large(), static_cast<Ending>(below(4)), count(), count()};
      default:
        return Tick{};
    }
  }
  Action action() {
    switch (below(4)) {
      case 0:
        return Grant{large(), name(), flag() ? Why::floor : Why::borrowed, work()};
      case 1:
        return Revoke{large(), large()};
      case 2:
        return Refuse{large()};
      default:
        return Expire{large()};
    }
  }

 private:
  SeededRandom random_;
};

TEST(EventText, WhatWasWrittenIsReadAgain) {
  Chance chance(20);
  for (int i = 0; i < 20'000; ++i) {
    Decision decision{chance.instant(), chance.event(), {}};
    for (std::uint64_t n = chance.below(4); n > 0; --n) decision.actions.push_back(chance.action());
    std::string line;
    write_decision(line, decision.at, decision.event, decision.actions);
    const auto again = read_decision(line);
    ASSERT_TRUE(again) << line << ": " << again.error().message;
    ASSERT_EQ(*again, decision) << line;
    for (const char c : line) ASSERT_TRUE(c >= ' ' && c <= '~') << line;
  }
}

TEST(EventText, IsReadByPeople) {
  Arrive arrive{7, "odense", "key 1", "small", Lane::batch, true, 100, 200, Instant(Duration(90))};
  std::string line;
  write_decision(line, Instant(Duration(5)), arrive,
                 std::vector<Action>{Grant{7, "small", Why::floor, 300}, Revoke{3, 7}, Expire{2}});
  EXPECT_EQ(line,
            "5 arrive 7 odense key%201 small batch 1 100 200 90 > grant 7 small floor 300 > revoke 3 7 > expire 2");
}

TEST(EventText, SaysWhatIsWrong) {
  const auto error_of = [](std::string_view line) {
    const auto read = read_decision(line);
    return read ? "nothing" : read.error().message;
  };
  EXPECT_EQ(error_of(""), "word 1 should be a time in nanoseconds, and nothing is there");
  EXPECT_EQ(error_of("x tick"), "word 1 should be a time in nanoseconds, and is \"x\"");
  EXPECT_EQ(error_of("5 tock"), "word 2 should be what happened, and is \"tock\"");
  EXPECT_EQ(error_of("5 agree a -1 0"), "word 4 should be a share, and is \"-1\"");
  EXPECT_EQ(error_of("5 agree a 1 4294967296"), "word 5 should be a number of places, and is \"4294967296\"");
  EXPECT_EQ(error_of("5 leave a%4"), "word 3 should be a member, and is \"a%4\"");
  EXPECT_EQ(error_of("5 end 7 lost 1 1"), "word 4 should be done, cancelled, failed or returned, and is \"lost\"");
  EXPECT_EQ(error_of("5 tick expire 4"), "word 3 should be > before what was decided, and is \"expire\"");
  EXPECT_EQ(error_of("5 tick > stay 4"), "word 4 should be grant, revoke, expire or refuse, and is \"stay\"");
  EXPECT_EQ(error_of("5 tick "), "the line ends with a space");
  EXPECT_EQ(error_of("5  tick"), "word 2 should be what happened, and nothing is there");
}

TEST(EventText, SettingsGoThereAndBack) {
  Settings settings;
  settings.settle_every = std::chrono::seconds(3);
  settings.look_ahead_tokens = 17;
  settings.waiting_max = 4096;
  settings.revoke_batch = false;
  std::string text;
  write_settings(text, settings);
  const auto again = read_settings(text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, settings);
  EXPECT_FALSE(read_settings(text + " 1"));
  EXPECT_FALSE(read_settings(""));
}

}  // namespace
}  // namespace faelled::commons
