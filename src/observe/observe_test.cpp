#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "json/document.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"

namespace faelled::observe {
namespace {

class LogFile : public testing::Test {
 protected:
  LogFile() {
    char folder[] = "/tmp/faelled-log-XXXXXX";
    folder_ = ::mkdtemp(folder);
  }
  ~LogFile() override { std::filesystem::remove_all(folder_); }

  std::string text() const {
    std::ostringstream out;
    out << std::ifstream(folder_ / "log").rdbuf();
    return out.str();
  }

  std::filesystem::path folder_;
};

TEST_F(LogFile, EachLineIsOneJsonObjectWithItsFields) {
  auto log = Log::open((folder_ / "log").string(), Level::info);
  ASSERT_TRUE(log);
  (*log)->warn("an \"odd\"\nmessage", {{"request_id", "req_1"}, {"attempt", 2}, {"fault", true}});
  const std::string line = text();
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
  json::Document document;
  auto root = document.parse(line);
  ASSERT_TRUE(root) << line;
  EXPECT_EQ(root->find("level")->text(), "warn");
  EXPECT_EQ(root->find("message")->text(), "an \"odd\"\nmessage");
  EXPECT_EQ(root->find("request_id")->text(), "req_1");
  EXPECT_EQ(root->find("attempt")->integer(), 2);
  EXPECT_EQ(root->find("fault")->boolean(), true);
  EXPECT_TRUE(root->find("time")->text()->ends_with("Z"));
}

TEST_F(LogFile, LeavesOutWhatIsBelowItsLevel) {
  auto log = Log::open((folder_ / "log").string(), Level::warn);
  ASSERT_TRUE(log);
  (*log)->info("not this");
  (*log)->error("but this");
  EXPECT_EQ(text().find("not this"), std::string::npos);
  EXPECT_NE(text().find("but this"), std::string::npos);
}

TEST(Log, SaysWhichFileItCannotWrite) {
  auto log = Log::open("/proc/nonexistent/log", Level::info);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().message.find("/proc/nonexistent/log"), std::string::npos);
  EXPECT_FALSE(log.error().hint.empty());
}

TEST(Metrics, TellWhatHappenedToAModelsRequests) {
  Metrics metrics("1.2.3");
  const auto model = metrics.model("m");
  model.ended("done");
  model.ended("done");
  model.ended("failed");
  model.tokens(7, 3, 5);
  model.first_token(120ms);
  model.between_tokens(12ms);
  model.engine_restarted(2);
  metrics.rejected(401);
  double reading = 4;
  metrics.gauge("faelled_test", "A reading", [&] { return reading; });
  metrics.counter("faelled_test_total", "A count", [&] { return reading; });
  EXPECT_NE(metrics.text().find("faelled_test_total 4"), std::string::npos);
  reading = 5;
  const std::string text = metrics.text();
  for (const char* line :
       {"faelled_requests_total{model=\"m\",outcome=\"done\"} 2",
        "faelled_requests_total{model=\"m\",outcome=\"failed\"} 1",
        "faelled_tokens_total{kind=\"cached\",model=\"m\"} 3", "faelled_tokens_total{kind=\"output\",model=\"m\"} 5",
        "faelled_engine_restarts_total{model=\"m\"} 2", "faelled_rejected_total{status=\"401\"} 1", "faelled_test 5",
        "faelled_test_total 5", "faelled_build_info{version=\"1.2.3\"} 1"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
}

TEST(Metrics, BucketsTellTokensOfAFastStreamApart) {
  Metrics metrics("1");
  const auto model = metrics.model("m");
  model.between_tokens(8ms);
  model.between_tokens(12ms);
  const std::string text = metrics.text();
  EXPECT_NE(text.find("faelled_between_tokens_seconds_bucket{model=\"m\",le=\"0.01\"} 1"), std::string::npos) << text;
  EXPECT_NE(text.find("faelled_between_tokens_seconds_bucket{model=\"m\",le=\"0.015\"} 2"), std::string::npos) << text;
}

TEST(Metrics, WhatHasGoneHasNoSeriesAndACounterThatBeginsAnewIsToldAsItIs) {
  Metrics metrics("1");
  std::vector<Metrics::Shown> there{{{{"model", "m"}, {"device", "gpu0"}}, {0.5, 7}},
                                    {{{"model", "m"}, {"device", "gpu1"}}, {std::nullopt, 9}}};
  metrics.series({{"faelled_test_ratio", "A part"}, {"faelled_test_total", "A count", true}}, [&] { return there; });
  const std::string first = metrics.text();
  for (const char* line : {"# TYPE faelled_test_ratio gauge\nfaelled_test_ratio{device=\"gpu0\",model=\"m\"} 0.5\n",
                           "# TYPE faelled_test_total counter\nfaelled_test_total{device=\"gpu0\",model=\"m\"} 7\n",
                           "\nfaelled_test_total{device=\"gpu1\",model=\"m\"} 9\n"})
    EXPECT_NE(first.find(line), std::string::npos) << line << "\n" << first;
  EXPECT_EQ(first.find("faelled_test_ratio{device=\"gpu1\""), std::string::npos) << "it has not said";
  there = {{{{"model", "m"}, {"device", "gpu0"}}, {0.5, 2}}};
  const std::string second = metrics.text();
  EXPECT_NE(second.find("\nfaelled_test_total{device=\"gpu0\",model=\"m\"} 2\n"), std::string::npos) << second;
  EXPECT_EQ(second.find("gpu1"), std::string::npos);
  there.clear();
  EXPECT_EQ(metrics.text().find("faelled_test_"), std::string::npos);
}

TEST(Metrics, AModelAskedForTwiceIsTheSame) {
  Metrics metrics("1");
  metrics.model("m").ended("done");
  metrics.model("m").ended("done");
  EXPECT_NE(metrics.text().find("outcome=\"done\"} 2"), std::string::npos);
}

}  // namespace
}  // namespace faelled::observe
