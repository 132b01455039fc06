#include "tls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "crypto/certificates_testing.hpp"

namespace faelled::app {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LookAtTls : public ::testing::Test {
 protected:
  LookAtTls() : folder_((std::filesystem::temp_directory_path() / "faelled-tls-XXXXXX").string()) {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    const auto own = authority_.issue();
    config::Tls& tls = config_.tls.emplace();
    tls.certificate = {put("own.crt", own.certificate), 3, 16};
    tls.key = {put("own.key", own.key), 4, 8};
    const SystemClock clock;
    made_ = clock.wall();
  }
  ~LookAtTls() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
    ::chmod((folder_ + "/" + name).c_str(), 0600);
    return folder_ + "/" + name;
  }

  std::string folder_;
  crypto::TestAuthority authority_;
  config::Config config_;
  WallTime made_;  // certificates are good from an hour before to a day after
};

TEST_F(LookAtTls, TellsHowTheDatesStand) {
  const auto expired = look_at_tls(config_, made_ + std::chrono::hours(25));
  ASSERT_THAT(expired.out_of_date, SizeIs(1));
  EXPECT_THAT(expired.out_of_date[0].message, HasSubstr("own.crt expired on "));
  EXPECT_EQ(expired.out_of_date[0].line, 3U);
  const auto early = look_at_tls(config_, made_ - std::chrono::hours(2));
  ASSERT_THAT(early.out_of_date, SizeIs(1));
  EXPECT_THAT(early.out_of_date[0].message, HasSubstr("own.crt is not valid before "));
  const auto now = look_at_tls(config_, made_);
  EXPECT_THAT(now.out_of_date, IsEmpty());
  EXPECT_THAT(now.unusable, IsEmpty());
  ASSERT_THAT(now.warnings, SizeIs(1)) << "it is to be renewed soon";
  EXPECT_THAT(now.warnings[0].message, HasSubstr("own.crt expires on"));
  EXPECT_THAT(now.warnings[0].message, HasSubstr(", in "));
  const auto lasting = authority_.issue({"x", "", std::chrono::seconds(0), std::chrono::hours(24 * 40)});
  put("own.crt", lasting.certificate);
  put("own.key", lasting.key);
  const auto good = look_at_tls(config_, made_ + std::chrono::hours(1));
  EXPECT_THAT(good.warnings, IsEmpty());
  ASSERT_THAT(good.lasting, SizeIs(1));
  EXPECT_THAT(good.lasting[0].message, HasSubstr(", in 39 days"));
  const auto due = look_at_tls(config_, made_ + std::chrono::hours(24 * 19 + 1));
  EXPECT_THAT(due.lasting, IsEmpty()) << "the alarm FaelledCertificateExpiring fires below 21 days";
  ASSERT_THAT(due.warnings, SizeIs(1));
  EXPECT_THAT(due.warnings[0].message, HasSubstr(", in 20 days"));
}

TEST_F(LookAtTls, WarnsOfAKeyThatEverybodyMayRead) {
  ::chmod(config_.tls->key.path.c_str(), 0644);
  const auto found = look_at_tls(config_, made_);
  ASSERT_THAT(found.warnings, SizeIs(2));
  EXPECT_THAT(found.warnings[1].hint, HasSubstr("chmod 640"));
  EXPECT_EQ(found.warnings[1].line, 4U);
}

TEST_F(LookAtTls, FindsWhatIsWrongWithAnUpstreamsFiles) {
  config_.tls.reset();
  EXPECT_THAT(look_at_tls(config_, made_).unusable, IsEmpty());
  config::Model& model = config_.models.emplace_back();
  model.ca_file = {put("ca.crt", authority_.pem()), 9, 2};
  EXPECT_THAT(look_at_tls(config_, made_).unusable, IsEmpty());
  model.certificate_file = {put("me.crt", authority_.issue().certificate), 10, 2};
  model.key_file = {put("me.key", authority_.issue().key), 11, 2};
  const auto wrong_key = look_at_tls(config_, made_);
  ASSERT_THAT(wrong_key.unusable, SizeIs(1));
  EXPECT_THAT(wrong_key.unusable[0].message, HasSubstr("me.key holds the key of another certificate"));
  EXPECT_EQ(wrong_key.unusable[0].line, 11U);
  model.ca_file.path = folder_ + "/none.crt";
  EXPECT_THAT(look_at_tls(config_, made_).unusable[0].message, HasSubstr("none.crt cannot be read"));
}

}  // namespace
}  // namespace faelled::app
