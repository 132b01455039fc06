#include "keeping/model_look.hpp"

#include <gtest/gtest.h>

#include "fetch/server_testing.hpp"
#include "store/loop_testing.hpp"

namespace faelled::keeping {
namespace {

TEST(ModelLook, LeavesTheNeedOpenWhereAServerSaysNoLength) {
  fetch::Server server([](const fetch::Asked&) { return fetch::Reply{"HTTP/1.1 200 OK", "GGUF and so on"}; });
  const store::TestFolder folder;
  fetch::Settings how;
  how.folder = folder / "models";
  how.keep_free = 0;
  engines::ModelSettings model;
  model.id = "far";
  model.source = server.url("/m/small.gguf");
  model.sha256 = std::string(64, 'a');
  const std::atomic<bool> stop = false;
  const portal::ModelFit fit = looked_at_source(model, how, stop, 1000);
  EXPECT_FALSE(fit.wrong) << fit.wrong->message;
  EXPECT_EQ(fit.weights, 0U);
  ASSERT_TRUE(fit.offer);
  EXPECT_EQ(fit.offer->bytes, 0U);
}

}  // namespace
}  // namespace faelled::keeping
