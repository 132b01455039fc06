#include "engines/upstream_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faelled::engines {
namespace {

using testing::HasSubstr;
using testing::Not;

Expected<rpc::Endpoint> endpoint(std::string url, std::string key = {}) {
  ModelSettings model;
  model.id = "m";
  model.url = std::move(url);
  model.api_key = std::move(key);
  return upstream_endpoint(model);
}

TEST(UpstreamUrl, SplitsAnAddressIntoWhatAConnectionNeeds) {
  auto e = endpoint("http://127.0.0.1:9100/v1/");
  ASSERT_TRUE(e);
  EXPECT_EQ(e->host, "127.0.0.1");
  EXPECT_EQ(e->port, 9100);
  EXPECT_EQ(e->base_path, "/v1");
  EXPECT_TRUE(e->authorization.empty());
  EXPECT_EQ(endpoint("http://engine.internal")->port, 80);
  EXPECT_EQ(endpoint("http://[::1]:8000/v1")->host, "::1");
  EXPECT_EQ(endpoint("http://[::1]:8000/v1")->port, 8000);
}

TEST(UpstreamUrl, TakesTlsAndWhatItNeeds) {
  ModelSettings model;
  model.url = "https://gpu.internal/v1";
  model.ca_file = "/ca.pem";
  const auto e = upstream_endpoint(model).value();
  EXPECT_TRUE(e.tls);
  EXPECT_EQ(e.host, "gpu.internal");
  EXPECT_EQ(e.port, 443);
  EXPECT_EQ(e.ca_file, "/ca.pem");
  EXPECT_EQ(endpoint("https://[::1]:8443/v1")->port, 8443);
  EXPECT_FALSE(endpoint("http://h/v1")->tls);
}

TEST(UpstreamUrl, SendsTheKeyInAHeader) { EXPECT_EQ(endpoint("http://h/v1", "sk-1")->authorization, "Bearer sk-1"); }

TEST(UpstreamUrl, RefusesWhatItCannotReach) {
  for (auto url : {"ftp://h/v1", "h:80/v1", "http://", "http://:80", "http://h:0", "http://h:65536", "http://h:8x/v1",
                   "http://[::1", "http://h/v1?x=1", "http://h/v 1", "http://[::1]8000/v1"}) {
    auto e = endpoint(url);
    EXPECT_FALSE(e) << url;
    if (!e) EXPECT_FALSE(e.error().hint.empty()) << url;
  }
}

TEST(UpstreamUrl, DoesNotRepeatAPassword) {
  auto e = endpoint("http://user:hunter2@h/v1");
  ASSERT_FALSE(e);
  EXPECT_THAT(e.error().message + e.error().hint, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace faelled::engines
