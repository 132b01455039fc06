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
  const portal::ModelFit fit = looked_at_source(model, how, stop, {1000});
  EXPECT_FALSE(fit.wrong) << fit.wrong->message;
  EXPECT_EQ(fit.weights, 0U);
  ASSERT_TRUE(fit.offer);
  EXPECT_EQ(fit.offer->bytes, 0U);
}

TEST(ModelLook, OnlyWhatItsEngineDividesHasTheMemoryOfAGroup) {
  constexpr std::uint64_t gb = 1'000'000'000;
  const engines::MemoryNeed need{30 * gb, 0, 0};
  engines::ModelSettings model;
  model.gpu = true;
  const Memories memories{10 * gb, 20 * gb, 40 * gb};
  EXPECT_EQ(fit_of(model, need, memories).memory, 40 * gb);
  EXPECT_EQ(fit_of(model, need, memories).why_not, "");
  model.kind = engines::EngineKind::vllm;
  EXPECT_EQ(fit_of(model, need, memories).memory, 20 * gb);
  EXPECT_EQ(fit_of(model, need, memories).why_not, "it needs 30 GB of memory, and one GPU has 20 GB for models");
  EXPECT_EQ(fit_of(model, need, {10 * gb, 0, 40 * gb}).why_not,
            "it is to lie on one GPU, and this server has them in groups alone");
  EXPECT_EQ(fit_of(model, need, {10 * gb}).why_not, "it is to lie on a GPU, and this server has none");
  model.gpu = false;
  EXPECT_EQ(fit_of(model, need, memories).memory, 10 * gb);
}

}  // namespace
}  // namespace faelled::keeping
