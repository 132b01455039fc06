#include "gateway/testing.hpp"

namespace faelled::gateway {
namespace {

class Aliases : public GatewayTest {
 protected:
  Aliases() {
    CatalogueModel model;
    model.settings.id = "m";
    model.settings.kind = engines::EngineKind::openai;
    model.aliases = {{"OS2ai-default", rpc::Lane::interactive, true},
                     {"titles", rpc::Lane::batch, true},
                     {"secret-name", rpc::Lane::interactive, false}};
    catalogue_.emplace(std::vector{model}, clock_.wall());
  }
  static std::string chat_as(const std::string& name, bool stream) {
    return post("/v1/chat/completions", R"({"model":")" + name + R"(","messages":[{"role":"user","content":"hi"}])" +
                                            (stream ? R"(,"stream":true})" : "}"));
  }
  static std::string get(const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + secret + "\r\n\r\n";
  }
};

TEST_F(Aliases, LeadToTheirModelAndTheAnswerKeepsTheNameThatWasAsked) {
  mesh_.places = 9;
  run([&]() -> Task<void> {
    Peer peer = co_await ask(chat_as("OS2ai-default", false));
    Peer engine = co_await engine_->request();
    EXPECT_TRUE(engine.got.contains(R"("model":"upstream-name")"));
    co_await engine.say(whole_answer());
    EXPECT_TRUE(co_await peer.hears("hej"));
    EXPECT_TRUE(peer.got.contains(R"("model":"OS2ai-default")"));
    EXPECT_EQ(mesh_.tickets.at(0).model, "m");
    EXPECT_EQ(mesh_.tickets.at(0).lane, rpc::Lane::interactive);
    EXPECT_EQ((co_await one_row()).model, "m");
  });
}

TEST_F(Aliases, MayMarkWorkThatNobodyWaitsFor) {
  mesh_.places = 9;
  run([&]() -> Task<void> {
    Peer peer = co_await ask(chat_as("titles", true));
    Peer engine = co_await engine_->request();
    co_await engine.say(stream_head() + word("hej") + last() + usage() + done());
    EXPECT_TRUE(co_await peer.hears("[DONE]"));
    EXPECT_TRUE(peer.got.contains(R"("model":"titles")"));
    EXPECT_FALSE(peer.got.contains("upstream-name"));
    EXPECT_EQ(mesh_.tickets.at(0).lane, rpc::Lane::batch);
  });
}

TEST_F(Aliases, StandInTheListWhereTheyAreMeantToBeSeen) {
  run([&]() -> Task<void> {
    Peer list = co_await ask(get("/v1/models"));
    const std::string all = co_await list.all();
    for (const char* id : {R"("id":"m")", R"("id":"OS2ai-default")", R"("id":"titles")"})
      EXPECT_TRUE(all.contains(id)) << id;
    EXPECT_FALSE(all.contains("secret-name"));
    Peer one = co_await ask(get("/v1/models/secret-name"));
    EXPECT_TRUE((co_await one.all()).contains(R"("id":"secret-name")")) << "hidden, but it works";
    Peer none = co_await ask(get("/v1/models/nothing"));
    EXPECT_TRUE((co_await none.all()).contains("model_not_found"));
  });
}

}  // namespace
}  // namespace faelled::gateway
