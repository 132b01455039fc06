#include "portal/alarms.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace faelled::portal {
namespace {

using namespace std::chrono_literals;

const WallTime now = from_unix_micros(1'780'000'000'000'000LL);

Readings calm() {
  Readings readings{.now = now};
  readings.disk_free_bytes = limits::disk_low_bytes;
  readings.last_backup = now - 1h;
  readings.serving_since = now - std::chrono::days(30);
  readings.models = {{"m", false}};
  readings.certificates = {{"the server's", now + std::chrono::days(60)}};
  readings.connections = 900;
  readings.connections_max = 1000;
  return readings;
}

std::vector<std::string> ids_of(const Readings& readings) {
  std::vector<std::string> ids;
  for (const Alarm& alarm : alarms_of(readings)) ids.push_back(alarm.id);
  return ids;
}

TEST(Alarms, AreSilentWhereNobodyNeedAct) { EXPECT_TRUE(alarms_of(calm()).empty()); }

TEST(Alarms, SayThatTheDiskFillsAndThenWakeSomebody) {
  Readings readings = calm();
  readings.disk_free_bytes = limits::disk_low_bytes - 1;
  EXPECT_EQ(alarms_of(readings), (std::vector{Alarm{"disk-filling", Severity::ticket, "", "4999 MB"}}));
  readings.disk_free_bytes = limits::disk_full_bytes - 1;
  EXPECT_EQ(alarms_of(readings)[0].severity, Severity::page);
  readings.disk_free_bytes.reset();
  EXPECT_TRUE(alarms_of(readings).empty()) << "what could not be read is no alarm";
}

TEST(Alarms, AskForABackupAfterTwoDays) {
  Readings readings = calm();
  readings.last_backup = now - 49h;
  EXPECT_EQ(alarms_of(readings), (std::vector{Alarm{"backup-old", Severity::ticket, "", "49 h"}}));
  readings.last_backup.reset();
  EXPECT_EQ(alarms_of(readings)[0].reading, "") << "never, on a server that is older than that";
  readings.serving_since = now - 1h;
  EXPECT_TRUE(alarms_of(readings).empty()) << "a new server has time to";
}

TEST(Alarms, TellOfACertificateThreeWeeksAhead) {
  Readings readings = calm();
  readings.certificates = {{"a", now + std::chrono::days(20)}, {"b", now + std::chrono::days(2)}, {"c", now - 1h}};
  const auto alarms = alarms_of(readings);
  ASSERT_EQ(alarms.size(), 3U);
  EXPECT_EQ(alarms[0], (Alarm{"certificate-expiring", Severity::page, "b", "2 d"}));
  EXPECT_EQ(alarms[1].reading, "-1 d");
  EXPECT_EQ(alarms[2], (Alarm{"certificate-expiring", Severity::ticket, "a", "20 d"}));
}

TEST(Alarms, PutFirstWhatWakesSomebody) {
  Readings readings = calm();
  readings.last_backup = now - 49h;
  readings.models = {{"m", true}};
  readings.journal_failed = true;
  readings.store_answers = false;
  readings.connections = 901;
  EXPECT_EQ(ids_of(readings),
            (std::vector<std::string>{"journal-failed", "store-down", "model-down", "connections-full", "backup-old"}));
}

}  // namespace
}  // namespace faelled::portal
