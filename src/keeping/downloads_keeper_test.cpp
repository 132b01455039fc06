#include "keeping/downloads_keeper.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "fetch/server_testing.hpp"
#include "store/loop_testing.hpp"

namespace faelled::keeping {
namespace {

// A model's file as small as can be, in the shape that llama.cpp reads.
std::string small_gguf() {
  std::string out = "GGUF";
  const auto raw = [&](auto number) { out.append(reinterpret_cast<const char*>(&number), sizeof number); };
  const auto text = [&](const std::string& words) {
    raw(std::uint64_t{words.size()});
    out += words;
  };
  const auto size = [&](const std::string& key, std::uint32_t value) {
    text(key);
    raw(std::uint32_t{4});
    raw(value);
  };
  raw(std::uint32_t{3});
  raw(std::uint64_t{1});  // tensors
  raw(std::uint64_t{7});  // pairs
  for (const auto& [key, value] :
       {std::pair("general.architecture", "llama"), {"tokenizer.chat_template", "{{ m }}"}}) {
    text(key);
    raw(std::uint32_t{8});
    text(value);
  }
  size("llama.context_length", 512);
  size("llama.block_count", 2);
  size("llama.embedding_length", 64);
  size("llama.attention.head_count", 4);
  size("llama.attention.head_count_kv", 1);
  text("first");
  raw(std::uint32_t{1});
  raw(std::uint64_t{64});
  raw(std::uint32_t{0});
  raw(std::uint64_t{0});
  out.resize((out.size() + 31) / 32 * 32 + 256);
  return out;
}

struct Downloads : testing::Test {
  store::TestFolder folder;
  net::Loop loop;
  ManualClock clock;
  std::unique_ptr<observe::Log> log = observe::Log::open((folder / "log").string(), observe::Level::debug).value();
  observe::Metrics metrics{"test"};
  mesh::Mesh mesh{clock, mesh::Mesh::Settings{{"m", "n"}}};
  std::string content = small_gguf();
  fetch::Server server{[this](const fetch::Asked& asked) { return fetch::file(asked, content); }};
  fetch::Depot depot{std::filesystem::path(folder.path()) / "models"};
  std::optional<DownloadsKeeper> keeper;

  void begin(bool offline = false) {
    fetch::Settings how;
    how.folder = depot.folder();
    how.keep_free = 0;
    how.offline = offline;
    keeper.emplace(DownloadsKeeper::Parts{loop, clock, mesh, *log, metrics, how});
  }
  engines::ModelSettings model(const std::string& source, bool says_hash = true) const {
    engines::ModelSettings out;
    out.id = "m";
    out.source = source;
    if (says_hash) out.sha256 = crypto::hex(crypto::sha256(content));
    return out;
  }
  void run_until(const std::function<bool()>& happened) {
    const std::function<void()> look = [&] {
      if (happened()) return loop.stop();
      loop.post(look);
    };
    loop.post(look);
    loop.run();
  }
  bool failed(const engines::ModelSettings& model) const {
    return keeper->download(model).state == portal::Download::State::failed;
  }
};

TEST_F(Downloads, ComeThoughTheyWereRemovedAndOrderedAgainAsTheLastByteCame) {
  begin();
  int arrived = 0;
  keeper->on_arrival([&](const engines::ModelSettings&, const engines::MemoryNeed&) { ++arrived; });
  const engines::ModelSettings far = model(server.url("/m/small.gguf"));
  keeper->want(far, true);
  // The loop does not run meanwhile, so that the keeper knows nothing of it.
  while (!depot.find(crypto::sha256(content))) std::this_thread::yield();
  keeper->forget("m");
  keeper->want(far, true);
  run_until([&] { return arrived > 0 || failed(far); });
  EXPECT_EQ(arrived, 1);
  EXPECT_FALSE(keeper->wants("m"));
  EXPECT_EQ(keeper->download(far).state, portal::Download::State::here);
  EXPECT_TRUE(depot.find(crypto::sha256(content)));
}

TEST_F(Downloads, GoFromTheDiskUnlessAModelHasThemAndComeAgainForOneThatWasMadeMeanwhile) {
  begin();
  engines::ModelSettings far = model(server.url("/m/small.gguf"));
  int arrived = 0;
  keeper->on_arrival([&](const engines::ModelSettings& here, const engines::MemoryNeed&) {
    far.file = here.file;
    ++arrived;
  });
  int asked = 0;
  bool named = true;
  keeper->on_removal([&](const std::set<std::string>& files) -> std::vector<DownloadsKeeper::Claim> {
    ++asked;
    EXPECT_EQ(files, std::set{far.file});
    return named || asked == 4 ? std::vector{DownloadsKeeper::Claim{far}} : std::vector<DownloadsKeeper::Claim>();
  });
  keeper->want(far, true);
  run_until([&] { return arrived > 0 || failed(far); });
  keeper->remove_file(far);
  keeper->remove_file(far);
  engines::ModelSettings next = model(server.url("/m/other.gguf"));
  next.id = "n";
  keeper->want(next, false);
  run_until([&] { return arrived == 2 || failed(next); });  // what is to be removed is removed before
  EXPECT_EQ(asked, 2) << "the first at once, before there was a second";
  EXPECT_TRUE(depot.find(crypto::sha256(content))) << "a model has it";

  named = false;
  keeper->remove_file(far);
  run_until([&] { return arrived == 3; });
  EXPECT_EQ(asked, 4) << "once before, and again once it had gone";
  EXPECT_TRUE(depot.find(crypto::sha256(content))) << "it came again";
}

// On a full disk it would hold the room, and nobody would know.
TEST_F(Downloads, ThatFailedSayWhatTheyKeepAndWhere) {
  const char* status = "HTTP/1.1 403 Forbidden";
  fetch::Server cuts([&](const fetch::Asked& asked) {
    if (asked.from()) return fetch::Reply{std::string(status) + "\r\nContent-Length: 2", "no"};
    fetch::Reply reply = fetch::file(asked, content);
    reply.body.resize(100);
    return reply;
  });
  begin();
  const engines::ModelSettings far = model(cuts.url("/m/small.gguf"));
  const auto download = [&] { return keeper->download(far); };
  keeper->want(far, true);
  run_until([&] { return download().state == portal::Download::State::waiting && !download().detail.empty(); });
  keeper->want(far, true);
  run_until([&] { return failed(far); });
  EXPECT_EQ(download().kept, 100U);
  EXPECT_EQ(std::filesystem::file_size(download().kept_in), 100U);
  const auto told = mesh.model("m");
  ASSERT_TRUE(told);
  EXPECT_TRUE(told->detail.contains("100 B of it are kept on the disk")) << told->detail;

  status = "HTTP/1.1 410 Gone";
  const std::string part = download().kept_in;
  keeper->want(far, true);
  run_until([&] { return failed(far) && !std::filesystem::exists(part); });
  EXPECT_EQ(download().kept, 0U) << "nobody can go on with it";
  EXPECT_TRUE(download().detail.contains("gone for good")) << download().detail;
}

// Its source has it no more, and another model's has.
TEST_F(Downloads, ThatAreGoneTakeNothingFromAnotherThatComes) {
  const auto reply = [&](const fetch::Asked& asked) {
    fetch::Reply whole = fetch::file(asked, content);
    if (!asked.from()) whole.body.resize(100);
    return whole;
  };
  fetch::Server cuts(reply);
  fetch::Server gone([](const fetch::Asked&) { return fetch::Reply{"HTTP/1.1 410 Gone\r\nContent-Length: 2", "no"}; });
  begin();
  engines::ModelSettings next = model(cuts.url("/m/other.gguf"));
  next.id = "n";
  keeper->want(next, true);
  const auto is_cut = [&] {
    return keeper->download(next).state == portal::Download::State::waiting && !keeper->download(next).detail.empty();
  };
  run_until(is_cut);
  const engines::ModelSettings far = model(gone.url("/m/small.gguf"));
  keeper->want(far, true);
  run_until([&] { return failed(far); });
  bool arrived = false;
  keeper->on_arrival([&](const engines::ModelSettings&, const engines::MemoryNeed&) { arrived = true; });
  keeper->want(next, true);
  run_until([&] { return arrived || failed(next); });
  ASSERT_TRUE(arrived);
  EXPECT_EQ(cuts.asked().back().from(), 100U);
}

TEST_F(Downloads, ThatNeverCameAreForgottenWithWhatTheHubSaidOfThem) {
  begin(true);
  ASSERT_TRUE(depot.make());
  const engines::ModelSettings far = model("hf:o/r/small.gguf", false);
  const fetch::Source source = fetch::parse_source(far.source).value();
  ASSERT_TRUE(depot.remember(source, crypto::sha256(content)));
  engines::ModelSettings pinned = model(far.source);
  pinned.sha256 = std::string(64, 'b');
  const auto come_and_go = [&](const engines::ModelSettings& which, bool its_file) {
    keeper->want(which, false);
    run_until([&] { return failed(which); });
    keeper->forget("m");
    if (its_file) keeper->remove_file(which);
    engines::ModelSettings after = model("hf:o/r/other.gguf");
    after.id = "n";
    after.sha256 = std::string(64, 'c');
    keeper->want(after, false);
    run_until([&] { return failed(after); });  // what is to be removed is removed before
  };
  come_and_go(pinned, true);
  EXPECT_TRUE(depot.remembered(source)) << "it was noted for another order of the same source";
  come_and_go(far, false);
  EXPECT_FALSE(depot.remembered(source));
}

}  // namespace
}  // namespace faelled::keeping
