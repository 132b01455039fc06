#include "portal/bulletin.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace faelled::portal {
namespace {

using namespace std::chrono_literals;

const WallTime now = from_unix_micros(1'780'000'000'000'000LL);

Notice notice(NoticeKind kind, WallTime from, std::optional<WallTime> until = {}) {
  return {"not_1", kind, "We are moving.", "Vi flytter.", from, until};
}

TEST(ABulletin, ComesBackAsItWasKept) {
  Bulletin bulletin{{true, "New disks.", "Nye \"diske\".", now + 2h},
                    {notice(NoticeKind::announcement, now), notice(NoticeKind::incident, now - 1h, now)}};
  EXPECT_EQ(bulletin_of(to_json(bulletin)).value(), bulletin);
  EXPECT_EQ(bulletin_of(to_json({})).value(), Bulletin{});
}

TEST(ABulletin, IsNotMadeOfSomethingElse) {
  for (const char* text : {"", "[]", "{}", R"({"maintenance":{},"notices":[]})", R"({"maintenance":7,"notices":[]})",
                           R"({"maintenance":{"on":false,"message":"","message_da":"","until":null},"notices":[1]})"})
    EXPECT_FALSE(bulletin_of(text)) << text;
}

TEST(ABulletin, ShowsWhatIsInForceAndIncidentsForAWhileAfter) {
  const Notice early = notice(NoticeKind::announcement, now + 1h);
  const Notice over = notice(NoticeKind::announcement, now - 2h, now);
  const Notice mended = notice(NoticeKind::incident, now - 2h, now - 1h);
  const Notice old = notice(NoticeKind::incident, now - 20 * 24h, now - 8 * 24h);
  const Notice going = notice(NoticeKind::incident, now);
  EXPECT_EQ(shown_at({{}, {early, over, mended, old, going}}, now), (std::vector{mended, going}));
}

TEST(AText, ForEverybodyHasWordsAndAnEnd) {
  EXPECT_TRUE(fit_for_all("Vi opdaterer\ni aften."));
  EXPECT_FALSE(fit_for_all(""));
  EXPECT_FALSE(fit_for_all("a\x1b[31m"));
  EXPECT_FALSE(fit_for_all(std::string(limits::notice_bytes_max + 1, 'a')));
}

}  // namespace
}  // namespace faelled::portal
