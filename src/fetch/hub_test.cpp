#include <gmock/gmock.h>

#include "fetch/fetching_testing.hpp"

namespace faelled::fetch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// As Hugging Face does: the hash stands in the hub's own answer, the bytes come from a store that knows another ETag.
struct Hub : Fetching {
  bool says_hash = true;
  std::optional<Reply> from_store;  // in place of the file
  Server server{[this](const Asked& asked) {
    if (asked.path.starts_with("/store/")) {
      store_saw_token = asked.says("hunter2");
      return from_store.value_or(file(asked, content, "\"of the store\""));
    }
    hub_saw_token = asked.says("\r\nauthorization: bearer hunter2");
    if (asked.path == "/former/r/resolve/main/small.gguf")
      return Reply{"HTTP/1.1 307 Moved\r\nLocation: /o/r/resolve/main/small.gguf\r\nContent-Length: 0", ""};
    if (asked.path != "/o/r/resolve/main/small.gguf") return Reply{"HTTP/1.1 404 Not Found\r\nContent-Length: 0", ""};
    std::string head =
        "HTTP/1.1 302 Found\r\nLocation: http://localhost:" + server.url().substr(17) + "/store/blob\r\n";
    if (says_hash)
      head +=
          "X-Linked-Etag: \"" + crypto::hex(sha256) + "\"\r\nX-Linked-Size: " + std::to_string(content.size()) + "\r\n";
    return Reply{head + "Content-Length: 0", ""};
  }};
  std::atomic<bool> hub_saw_token = false;
  std::atomic<bool> store_saw_token = false;
  Hub() { settings.hub = server.url(); }
};

TEST_F(Hub, SaysTheHash) {
  const auto found = look_at(order("hf:o/r/small.gguf", false), settings, progress.stop);
  ASSERT_TRUE(found) << found.error().in_words();
  EXPECT_EQ(found->sha256, sha256);
  EXPECT_EQ(found->bytes, content.size());
  const auto fetched = get(order("hf:o/r/small.gguf", false));
  ASSERT_TRUE(fetched) << fetched.error().in_words();
  EXPECT_EQ(read(fetched->file), content);
}

TEST_F(Hub, IsHeldToWhatItSaidFirst) {
  ASSERT_TRUE(get(order("hf:o/r/small.gguf", false)));
  const std::size_t asked = server.asked().size();
  sha256 = {};
  ASSERT_TRUE(get(order("hf:o/r/small.gguf", false)));
  EXPECT_EQ(server.asked().size(), asked) << "what was fetched once needs no hub";
}

TEST_F(Hub, ThatHasAnotherFileMeanwhileIsAskedAnew) {
  const Order wanted = order("hf:o/r/small.gguf", false);
  fs::create_directory(settings.folder);
  ASSERT_TRUE(Depot(settings.folder).remember(wanted.source, crypto::sha256("as it was")));
  EXPECT_EQ(get(wanted).error().fault, Fault::wrong);
  EXPECT_TRUE(names().empty());
  EXPECT_TRUE(get(wanted));
}

TEST_F(Hub, ThatHasAnotherFileIsAskedForNoByteOfIt) {
  Order wanted = order("hf:o/r/small.gguf", true);
  wanted.sha256 = crypto::sha256("another");
  const auto wrong = get(wanted);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().fault, Fault::wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr(crypto::hex(sha256)));
  EXPECT_THAT(wrong.error().message, HasSubstr(crypto::hex(*wanted.sha256)));
  EXPECT_EQ(progress.fetched.load(), 0U);
  EXPECT_TRUE(names().empty());
  std::ofstream(Depot::part_of(Depot(settings.folder).place(*wanted.sha256, wanted.source))) << "so far";
  ASSERT_FALSE(get(wanted));
  EXPECT_EQ(names().size(), 1U) << "what came before is of the file that was ordered";
}

TEST_F(Hub, ThatSaysAnotherHashThanItDidOffersNeither) {
  const Order wanted = order("hf:o/r/small.gguf", false);
  fs::create_directory(settings.folder);
  ASSERT_TRUE(Depot(settings.folder).remember(wanted.source, crypto::sha256("as it was")));
  const auto found = look_at(wanted, settings, progress.stop);
  ASSERT_FALSE(found) << "it would not be what is fetched";
  EXPECT_EQ(found.error().fault, Fault::wrong);
  EXPECT_THAT(found.error().message, HasSubstr(crypto::hex(sha256)));
  EXPECT_THAT(found.error().message, HasSubstr(crypto::hex(crypto::sha256("as it was"))));
  EXPECT_THAT(found.error().hint, HasSubstr("sha256"));
}

TEST_F(Hub, ThatGaveARepositoryAnotherNameSaysTheHashStill) {
  const auto found = look_at(order("hf:former/r/small.gguf", false), settings, progress.stop);
  ASSERT_TRUE(found) << found.error().in_words();
  EXPECT_EQ(found->sha256, sha256);
  EXPECT_EQ(found->bytes, content.size());
  EXPECT_TRUE(get(order("hf:former/r/small.gguf", false)));
}

TEST_F(Hub, GoesOnThoughEachStoreHasAnETagOfItsOwn) {
  lay_part(order("hf:o/r/small.gguf"), content.substr(0, 1000), "\"of another store\"");
  const auto fetched = get(order("hf:o/r/small.gguf", false));
  ASSERT_TRUE(fetched) << fetched.error().in_words();
  EXPECT_EQ(progress.fetched.load(), content.size() - 1000);
  EXPECT_EQ(names().size(), 2U) << "the file and the note";
}

TEST_F(Hub, KeepsItsPartWhereAPageComesInItsPlace) {
  const std::string page = "<html>sign in</html>";
  from_store = Reply{"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(page.size()), page};
  lay_part(order("hf:o/r/small.gguf"), content.substr(0, 1000));
  const auto other = get(order("hf:o/r/small.gguf"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().fault, Fault::later) << other.error().in_words();
  EXPECT_EQ(fs::file_size(part(order("hf:o/r/small.gguf"))), 1000U);
}

TEST_F(Hub, WhoseStoreSaysNoLengthIsHeldToItsOwn) {
  from_store = Reply{"HTTP/1.1 200 OK", content.substr(0, 100'000)};
  const auto cut = get(order("hf:o/r/small.gguf", false));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().fault, Fault::later) << cut.error().in_words();
  EXPECT_THAT(cut.error().message, HasSubstr("broke off"));
  from_store.reset();
  EXPECT_TRUE(get(order("hf:o/r/small.gguf", false)));
  EXPECT_EQ(progress.fetched.load(), content.size());
}

TEST_F(Hub, ThatSaysNoHashNeedsOneFromTheOperator) {
  says_hash = false;
  const auto refused = get(order("hf:o/r/small.gguf", false));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::no_hash);
  EXPECT_EQ(refused.error().hint, "say it in sha256");
  EXPECT_TRUE(get(order("hf:o/r/small.gguf", true)));
}

TEST_F(Hub, ThatSaysAnotherHashThanTheOperatorIsNotAsked) {
  Order wanted = order("hf:o/r/small.gguf", true);
  wanted.sha256 = crypto::sha256("another");
  const auto found = look_at(wanted, settings, progress.stop);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().fault, Fault::wrong);
}

TEST_F(Hub, AloneSeesTheToken) {
  settings.manners.token = "hunter2";
  settings.manners.token_origin = server.url();
  ASSERT_TRUE(get(order("hf:o/r/small.gguf", false)));
  EXPECT_TRUE(hub_saw_token);
  EXPECT_FALSE(store_saw_token);
}

TEST_F(Hub, WithoutTheFileSaysSo) {
  const auto refused = look_at(order("hf:o/r/other.gguf", false), settings, progress.stop);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("no such file"));
}

}  // namespace
}  // namespace faelled::fetch
