// Models that are for some members alone.
#include "gateway/testing.hpp"

namespace faelled::gateway {
namespace {

class ModelMembers : public GatewayTest {
 protected:
  // `m` and its adapter are everybody's, `ours` is the caller's member's (demo), `theirs` another one's.
  ModelMembers() {
    catalogue_.emplace(
        std::vector{
            model("m", {}), model("ours", {"demo", "ribe"}, {{"ours:a", "a", {}}, {"ours:b", "b", {"ribe"}}}),
            model("theirs", {"ribe"}, {{"theirs:a", "a", {}, {{"law"}}}, {"theirs:b", "b", {"demo"}}}, {{"standard"}})},
        clock_.wall());
    EXPECT_TRUE(catalogue_->point({.name = "best", .model = "theirs"}));
    EXPECT_TRUE(catalogue_->point({.name = "next", .model = "theirs:b"}));
    EXPECT_TRUE(catalogue_->point({.name = "good", .model = "ours"}));
  }
  static CatalogueModel model(std::string id, std::vector<std::string> members,
                              std::vector<CatalogueAdapter> adapters = {}, std::vector<Alias> aliases = {}) {
    CatalogueModel one;
    one.settings.id = std::move(id);
    one.settings.kind = engines::EngineKind::openai;
    one.members = std::move(members);
    one.aliases = std::move(aliases);
    for (const CatalogueAdapter& adapter : adapters) one.settings.adapters.push_back({adapter.name, "/x.gguf"});
    one.adapters = std::move(adapters);
    return one;
  }
  static std::string get(const std::string& path, const std::string& headers = {}) {
    return "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + secret + "\r\n" +
           headers + "\r\n";
  }
  static std::string chat_as(const std::string& name) {
    return post("/v1/chat/completions", R"({"model":")" + name + R"(","messages":[{"role":"user","content":"hi"}]})",
                "Connection: close\r\n");
  }
  // What the answer says, with `name` and its own request's id taken out.
  Task<std::string> said_of(std::string request, std::string name) {
    Peer peer = co_await ask(std::move(request));
    std::string all = co_await peer.all();
    const std::string id = header(all, "x-request-id");
    for (const std::string& out : {name, id})
      for (std::size_t at = all.find(out); !out.empty() && at != all.npos; at = all.find(out))
        all.erase(at, out.size());
    const std::size_t length = all.find("Content-Length: ");  // it counts the name too
    if (length != all.npos) all.erase(length, all.find("\r\n", length) - length);
    co_return all;
  }
};

TEST_F(ModelMembers, ToOthersItIsAsIfItWereNotThere) {
  run([&]() -> Task<void> {
    for (const std::string name : {"theirs", "theirs:a", "theirs:b", "standard", "law", "best", "next", "ours:b"}) {
      const std::string none = name == "ours:b" ? "ours:z" : "zzzzzzzzz";  // with names as near
      const std::string chat = co_await said_of(chat_as(name), name);
      EXPECT_TRUE(chat.starts_with("HTTP/1.1 404")) << name;
      EXPECT_EQ(chat, co_await said_of(chat_as(none), none)) << name;
      EXPECT_EQ(co_await said_of(get("/v1/models/" + name), name), co_await said_of(get("/v1/models/" + none), none))
          << name;
    }
    EXPECT_TRUE(mesh_.tickets.empty());
    const std::string anthropic = "anthropic-version: 2023-06-01\r\n";
    for (const std::string& headers : {std::string(), anthropic}) {
      Peer list = co_await ask(get("/v1/models", headers));
      const std::string all = co_await list.all();
      for (const char* id : {R"("id":"m")", R"("id":"ours")", R"("id":"ours:a")", R"("id":"good")"})
        EXPECT_TRUE(all.contains(id)) << id << all;
      for (const char* id : {"theirs", "standard", "law", "best", "next", "ours:b"})
        EXPECT_FALSE(all.contains(id)) << id;
    }
    // Nor is it what a slip of the fingers is taken for.
    Peer slip = co_await ask(chat_as("their"));
    EXPECT_FALSE((co_await slip.all()).contains("theirs"));
  });
}

TEST_F(ModelMembers, ItsMembersAskIt) {
  mesh_.places = 9;
  run([&]() -> Task<void> {
    for (const std::string name : {"ours", "good"}) {
      Peer peer = co_await ask(chat_as(name));
      Peer engine = co_await engine_->request();
      co_await engine.say(whole_answer());
      EXPECT_TRUE(co_await peer.hears("hej")) << name;
      EXPECT_EQ(mesh_.tickets.back().model, "ours");
    }
  });
}

// As with a key whose list of models gets shorter: what was taken is answered, what comes is refused.
TEST_F(ModelMembers, AShorterListHoldsForWhatComesAndWhoWaitsIsAnswered) {
  run([&]() -> Task<void> {
    Peer waiting = co_await ask(chat_as("ours"));
    co_await mesh_.came;
    EXPECT_TRUE(catalogue_->put(model("ours", {"ribe"})));
    Peer late = co_await ask(chat_as("ours"));
    EXPECT_TRUE((co_await late.all()).starts_with("HTTP/1.1 404"));
    mesh_.open(1);
    Peer engine = co_await engine_->request();
    co_await engine.say(whole_answer());
    EXPECT_TRUE(co_await waiting.hears("hej"));
    EXPECT_TRUE(catalogue_->put(model("ours", {})));
    Peer again = co_await ask(get("/v1/models/ours"));
    EXPECT_TRUE((co_await again.all()).contains(R"("id":"ours")")) << "everybody's now";
  });
}

}  // namespace
}  // namespace faelled::gateway
