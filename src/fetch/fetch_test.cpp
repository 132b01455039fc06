#include "fetch/fetch.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "fetch/server_testing.hpp"

namespace faelled::fetch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Fetching : testing::Test {
  fs::path folder;
  std::string content;
  crypto::Digest sha256;
  Settings settings;
  Progress progress;

  Fetching() {
    std::string name = (fs::temp_directory_path() / "faelled-fetch-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    for (unsigned i = 0; i < 300'000; ++i) content += static_cast<char>(i * 7919 >> 5);
    sha256 = crypto::sha256(content);
    settings.folder = folder / "models";
    settings.keep_free = 0;
  }
  ~Fetching() override { fs::remove_all(folder); }

  Order order(const std::string& text, bool said = true) const {
    return {parse_source(text).value(), said ? std::optional(sha256) : std::nullopt};
  }
  Order order(const Server& server) const { return order(server.url("/m/small.gguf")); }
  auto get(const Order& wanted) { return fetch(wanted, settings, progress); }
  std::string read(const fs::path& file) const {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    if (fs::exists(settings.folder))
      for (const auto& entry : fs::directory_iterator(settings.folder)) all.push_back(entry.path().filename());
    std::ranges::sort(all);
    return all;
  }
  fs::path part(const Order& wanted) const {
    return Depot::part_of(Depot(settings.folder).place(sha256, wanted.source));
  }
  void lay_part(const Order& wanted, const std::string& bytes, const std::string& etag = "") const {
    fs::create_directory(settings.folder);
    std::ofstream(part(wanted), std::ios::binary) << bytes;
    if (!etag.empty()) std::ofstream(part(wanted) += ".etag") << etag << "\n";
  }
};

TEST_F(Fetching, BringsAFileAndNamesItByItsHash) {
  Server server([&](const Asked& asked) { return file(asked, content); });
  const auto fetched = get(order(server));
  ASSERT_TRUE(fetched) << fetched.error().in_words();
  EXPECT_EQ(fetched->file, settings.folder / (crypto::hex(sha256) + "-small.gguf"));
  EXPECT_EQ(read(fetched->file), content);
  EXPECT_EQ(fetched->bytes, content.size());
  EXPECT_EQ(progress.fetched.load(), content.size());
  EXPECT_EQ(progress.total.load(), content.size());
  EXPECT_EQ(names().size(), 1U) << "neither part nor ETag is left";
  EXPECT_EQ(fs::status(fetched->file).permissions() & fs::perms(077), fs::perms::none);
}

TEST_F(Fetching, AsksForNothingThatIsHereUnderWhateverName) {
  Server server([&](const Asked& asked) { return file(asked, content); });
  ASSERT_TRUE(get(order(server)));
  const auto again = get(order(server.url("/other/name.gguf")));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->file.filename(), crypto::hex(sha256) + "-small.gguf");
  EXPECT_EQ(server.asked().size(), 1U);
}

TEST_F(Fetching, GoesOnWhereItWasCutOff) {
  Server server([&](const Asked& asked) {
    Reply reply = file(asked, content);
    if (!asked.from()) reply.body.resize(100'000);
    return reply;
  });
  const auto cut = get(order(server));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().fault, Fault::later);
  EXPECT_TRUE(cut.error().retries());
  ASSERT_TRUE(get(order(server)));
  ASSERT_EQ(server.asked().size(), 2U);
  EXPECT_EQ(server.asked()[1].from(), 100'000U);
  EXPECT_TRUE(server.asked()[1].says("\r\nif-range: \"v1\""));
  EXPECT_EQ(progress.fetched.load(), content.size()) << "no byte came twice";
}

TEST_F(Fetching, BeginsAnewWhereTheServerDoesNotResume) {
  Server server([&](const Asked&) {
    return Reply{"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(content.size()), content};
  });
  lay_part(order(server), content.substr(0, 1000));
  const auto fetched = get(order(server));
  ASSERT_TRUE(fetched) << fetched.error().in_words();
  EXPECT_EQ(read(fetched->file), content);
}

TEST_F(Fetching, BeginsAnewWhereTheFileHasChangedSince) {
  Server server([&](const Asked& asked) { return file(asked, content, "\"v2\""); });
  lay_part(order(server), std::string(1000, 'x'), "\"v1\"");
  const auto fetched = get(order(server));
  ASSERT_TRUE(fetched) << fetched.error().in_words();
  EXPECT_EQ(read(fetched->file), content);
  EXPECT_EQ(server.asked().size(), 1U);
}

TEST_F(Fetching, BeginsAnewOnceWhereAPartWasOfAnotherFile) {
  Server server([&](const Asked& asked) { return file(asked, content); });
  lay_part(order(server), std::string(1000, 'x'));  // no ETag tells
  const auto fetched = get(order(server));
  ASSERT_TRUE(fetched) << fetched.error().in_words();
  EXPECT_EQ(read(fetched->file), content);
  EXPECT_EQ(server.asked().size(), 2U);
}

TEST_F(Fetching, TakesAPartThatWasWholeAlready) {
  Server server([&](const Asked& asked) { return file(asked, content); });
  lay_part(order(server), content);
  ASSERT_TRUE(get(order(server)));
  EXPECT_EQ(progress.fetched.load(), 0U);
  lay_part(order(server), content + "more");
  fs::remove(Depot(settings.folder).find(sha256).value());
  EXPECT_FALSE(get(order(server)));
  ASSERT_TRUE(get(order(server))) << "a part that is too long is begun anew";
}

// Invariant: the file that was ordered
TEST_F(Fetching, KeepsNothingOfAnotherFile) {
  const std::string other(content.size(), 'x');
  Server server([&](const Asked& asked) { return file(asked, other); });
  const auto lied = get(order(server));
  ASSERT_FALSE(lied);
  EXPECT_EQ(lied.error().fault, Fault::wrong);
  EXPECT_FALSE(lied.error().retries());
  EXPECT_THAT(lied.error().message, HasSubstr(crypto::hex(crypto::sha256(other))));
  EXPECT_THAT(lied.error().message, HasSubstr(crypto::hex(sha256)));
  EXPECT_TRUE(names().empty());
  EXPECT_EQ(server.asked().size(), 1U) << "a whole file is not asked for twice";
}

TEST_F(Fetching, DoesNotTakeAnotherPartThanItAskedFor) {
  Server server([&](const Asked&) {
    return Reply{"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/20\r\nContent-Length: 5", "12345"};
  });
  lay_part(order(server), content.substr(0, 1000));
  const auto lied = get(order(server));
  ASSERT_FALSE(lied);
  EXPECT_THAT(lied.error().message, HasSubstr("another part"));
  EXPECT_EQ(fs::file_size(part(order(server))), 0U);
  EXPECT_FALSE(get(order(server)));
}

TEST_F(Fetching, TakesNoMoreThanWasAnnounced) {
  Server server([&](const Asked&) {
    return Reply{"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1000-1004/1005\r\nContent-Length: 100000",
                 std::string(100'000, 'x')};
  });
  lay_part(order(server), content.substr(0, 1000));
  const auto lied = get(order(server));
  ASSERT_FALSE(lied);
  EXPECT_THAT(lied.error().message, HasSubstr("more than it announced"));
  EXPECT_LE(fs::file_size(part(order(server))), 1005U);
}

TEST_F(Fetching, SaysWhatAServerRefuses) {
  struct Row {
    const char* status;
    Fault fault;
    const char* word;
  };
  for (const Row& row : {Row{"404 Not Found", Fault::refused, "no such file"},
                         {"410 Gone", Fault::refused, "no such file"},
                         {"403 Forbidden", Fault::refused, "who we are"},
                         {"401 No", Fault::refused, "who we are"},
                         {"400 Bad", Fault::refused, "400"},
                         {"500 Oh", Fault::later, "500"},
                         {"503 Busy", Fault::later, "503"},
                         {"429 Slow", Fault::later, "busy"},
                         {"204 Nothing", Fault::refused, "204"}}) {
    Server server([&](const Asked&) {
      return Reply{"HTTP/1.1 " + std::string(row.status) + "\r\nRetry-After: 7\r\nContent-Length: 2", "no"};
    });
    const auto refused = get(order(server));
    ASSERT_FALSE(refused) << row.status;
    EXPECT_EQ(refused.error().fault, row.fault) << row.status;
    EXPECT_THAT(refused.error().message, HasSubstr(row.word)) << row.status;
    if (row.fault == Fault::later) EXPECT_EQ(refused.error().retry_after, 7s);
  }
}

TEST_F(Fetching, FollowsAFewRedirectsAndNoMore) {
  Server server([&](const Asked& asked) {
    if (asked.path == "/m/small.gguf")
      return Reply{"HTTP/1.1 302 Found\r\nLocation: /there?signature=secret\r\nContent-Length: 0", ""};
    if (asked.path.starts_with("/there")) return file(asked, content);
    return Reply{"HTTP/1.1 301 Moved\r\nLocation: " + asked.path + "\r\nContent-Length: 0", ""};
  });
  ASSERT_TRUE(get(order(server)));
  fs::remove_all(settings.folder);
  const auto lost = get(order(server.url("/round.gguf")));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().fault, Fault::refused);
  EXPECT_THAT(lost.error().message, HasSubstr("on and on"));
  EXPECT_EQ(server.asked().size(), 2U + 6U);
}

TEST_F(Fetching, IsNotSentWhereAnOperatorMayNotSendIt) {
  for (const char* elsewhere :
       {"http://192.0.2.1/x", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://u:p@127.0.0.1/x",
        "https://169.254.169.254/latest", "https://[fe80::1]/x", "https://[::ffff:169.254.1.1]/x"}) {
    Server server([&](const Asked&) {
      return Reply{"HTTP/1.1 302 Found\r\nLocation: " + std::string(elsewhere) + "\r\nContent-Length: 0", ""};
    });
    const auto refused = get(order(server));
    ASSERT_FALSE(refused) << elsewhere;
    EXPECT_EQ(refused.error().fault, Fault::refused) << elsewhere << refused.error().in_words();
  }
}

TEST(Connecting, ToLinkLocalAddressesIsNeverAllowed) {
  const auto may = [](const char* text, bool only_here) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    if (::inet_pton(AF_INET, text, &four.sin_addr) == 1) return may_connect(&four, only_here);
    EXPECT_EQ(::inet_pton(AF_INET6, text, &six.sin6_addr), 1) << text;
    return may_connect(&six, only_here);
  };
  for (const char* bad : {"169.254.169.254", "169.254.0.1", "fe80::1", "febf::1", "::ffff:169.254.169.254"}) {
    EXPECT_FALSE(may(bad, false)) << bad;
    EXPECT_FALSE(may(bad, true)) << bad;
  }
  for (const char* other : {"10.0.0.1", "192.168.1.1", "203.0.113.9", "2001:db8::1", "fd00::1", "::ffff:10.0.0.1"}) {
    EXPECT_TRUE(may(other, false)) << other;
    EXPECT_FALSE(may(other, true)) << other;
  }
  for (const char* here : {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"}) EXPECT_TRUE(may(here, true)) << here;
}

TEST_F(Fetching, LeavesTheOperatorsReserveFree) {
  Server server([&](const Asked& asked) { return file(asked, content); });
  settings.keep_free = 1ULL << 60U;
  EXPECT_THAT(look_at(order(server), settings, progress.stop)->why_no_room, HasSubstr("stay free"))
      << "before there is a folder";
  const auto full = get(order(server));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().fault, Fault::no_room);
  EXPECT_TRUE(full.error().retries());
  EXPECT_THAT(full.error().message, HasSubstr("stay free"));
  EXPECT_EQ(progress.fetched.load(), 0U);
  const auto found = look_at(order(server), settings, progress.stop);
  ASSERT_TRUE(found);
  EXPECT_THAT(found->why_no_room, HasSubstr("stay free"));
}

TEST_F(Fetching, EndsWithAServerThatFallsSilentAndKeepsWhatCame) {
  Server server([&](const Asked& asked) {
    Reply reply = file(asked, content);
    reply.body.resize(50'000);
    reply.stalls = true;
    return reply;
  });
  settings.manners.stall_max = 1s;
  const auto silent = get(order(server));
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().fault, Fault::later) << silent.error().in_words();
  EXPECT_EQ(fs::file_size(part(order(server))), 50'000U);
}

TEST_F(Fetching, IsStoppedInTheMiddleAndKeepsWhatCame) {
  Server server([&](const Asked& asked) {
    Reply reply = file(asked, content);
    reply.body.resize(50'000);
    reply.stalls = true;
    return reply;
  });
  std::thread stopper([&] {
    while (progress.bytes.load() < 50'000) std::this_thread::yield();
    progress.stop = true;
  });
  const auto stopped = get(order(server));
  stopper.join();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().fault, Fault::cancelled);
  EXPECT_EQ(fs::file_size(part(order(server))), 50'000U);
}

TEST_F(Fetching, ThatNobodyAnswersMayBeTriedAgain) {
  std::string url;
  {
    Server gone([&](const Asked&) { return Reply{}; });
    url = gone.url("/x.gguf");
  }
  const auto failed = get(order(url));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().fault, Fault::later);
  EXPECT_THAT(failed.error().message, HasSubstr("cannot be reached"));
}

TEST_F(Fetching, DoesNotHappenOffline) {
  Server server([&](const Asked& asked) { return file(asked, content); });
  settings.offline = true;
  const auto refused = get(order(server));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::refused);
  EXPECT_THAT(refused.error().hint, HasSubstr(crypto::hex(sha256) + "-small.gguf"));
  EXPECT_FALSE(look_at(order(server), settings, progress.stop));
  EXPECT_TRUE(server.asked().empty());
  std::ofstream(Depot(settings.folder).place(sha256, order(server).source), std::ios::binary) << content;
  EXPECT_TRUE(get(order(server))) << "a file that was carried over is found";
}

// As Hugging Face does: the hash stands in the hub's own answer, the bytes come from a store that knows another ETag.
struct Hub : Fetching {
  bool says_hash = true;
  Server server{[this](const Asked& asked) {
    if (asked.path.starts_with("/store/")) {
      store_saw_token = asked.says("hunter2");
      return file(asked, content, "\"of the store\"");
    }
    hub_saw_token = asked.says("\r\nauthorization: bearer hunter2");
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
  EXPECT_TRUE(get(wanted));
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

TEST_F(Fetching, IsLookedAtBeforehand) {
  Server server([&](const Asked& asked) { return file(asked, content); });
  const auto found = look_at(order(server), settings, progress.stop);
  ASSERT_TRUE(found) << found.error().in_words();
  EXPECT_EQ(found->bytes, content.size());
  EXPECT_EQ(found->why_no_room, "");
  EXPECT_EQ(server.asked().front().method, "HEAD");
  EXPECT_TRUE(names().empty());
}

TEST_F(Fetching, IsLookedAtWhereHeadIsNotAnswered) {
  Server server([&](const Asked& asked) {
    return asked.method == "HEAD" ? Reply{"HTTP/1.1 405 No\r\nContent-Length: 0", ""} : file(asked, content);
  });
  const auto found = look_at(order(server), settings, progress.stop);
  ASSERT_TRUE(found) << found.error().in_words();
  EXPECT_EQ(found->bytes, content.size());
}

TEST_F(Fetching, LetsItsBeginningBeRead) {
  content.resize(0);
  for (unsigned i = 0; i < 3'000'000; ++i) content += static_cast<char>(i * 7919 >> 5);
  Server server([&](const Asked& asked) { return file(asked, content); });
  Peek peek(order(server), settings, progress.stop);
  std::string out(1'500'000, '\0');
  EXPECT_EQ(peek.read(10, std::as_writable_bytes(std::span(out))), out.size());
  EXPECT_EQ(out, content.substr(10, out.size()));
  std::string end(100, '\0');
  EXPECT_EQ(peek.read(content.size() - 50, std::as_writable_bytes(std::span(end))), 50U);
  Server whole([&](const Asked&) {
    return Reply{"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(content.size()), content};
  });
  Peek none(order(whole), settings, progress.stop);
  EXPECT_EQ(none.read(0, std::as_writable_bytes(std::span(out))), 0U) << "it gives no parts";
}

}  // namespace
}  // namespace faelled::fetch
