// Where a server listens.
#include <gtest/gtest.h>

#include "config/config.hpp"

namespace faelled::config {
namespace {

TEST(Config, WantsAnAddressForTlsThatIsNotTakenAlready) {
  const auto taken = [](const std::string& listen, const std::string& tls_listen) {
    return !parse(
                "listen: '" + listen + "'\nmodels: []\ntls: { certificate: c, key: k, listen: '" + tls_listen + "' }\n",
                "/srv")
                .problems.empty();
  };
  EXPECT_TRUE(taken("127.0.0.1:80", "127.0.0.1:80"));
  EXPECT_TRUE(taken("0.0.0.0:80", "127.0.0.1:80"));
  EXPECT_TRUE(taken("[::1]:80", "[::]:80"));
  EXPECT_FALSE(taken("127.0.0.1:80", "127.0.0.2:80"));
  EXPECT_FALSE(taken("127.0.0.1:80", "0.0.0.0:443"));
  EXPECT_FALSE(taken("127.0.0.1:0", "127.0.0.1:0"));
}

}  // namespace
}  // namespace faelled::config
