#include "fetch/fetch.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>

#include <thread>

#include "fetch/fetching_testing.hpp"

namespace faelled::fetch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

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

TEST_F(Fetching, DoesNotTakeWhatLiesBehindTheEnd) {
  Server server([&](const Asked&) {
    return Reply{"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1000-1004/500\r\nContent-Length: 5", "12345"};
  });
  lay_part(order(server), content.substr(0, 1000));
  const auto lied = get(order(server));
  ASSERT_FALSE(lied);
  EXPECT_EQ(lied.error().fault, Fault::later) << lied.error().in_words();
  EXPECT_THAT(lied.error().message, HasSubstr("behind the file's end"));
  EXPECT_EQ(fs::file_size(part(order(server))), 1000U);
}

TEST_F(Fetching, WritesAnETagThroughNoLink) {
  Server server([&](const Asked& asked) {
    Reply reply = file(asked, content);
    reply.body.resize(1000);
    return reply;
  });
  fs::create_directory(settings.folder);
  std::ofstream(folder / "outside") << "untouched";
  for (const char* ending : {".etag", ".etag.new"}) {
    const fs::path link = part(order(server)) += ending;
    fs::remove(part(order(server)) += ".etag");
    fs::create_symlink(folder / "outside", link);
    ASSERT_FALSE(get(order(server)));
    EXPECT_EQ(read(folder / "outside"), "untouched") << ending;
    fs::remove(part(order(server)));
  }
  EXPECT_EQ(read(part(order(server)) += ".etag"), "\"v1\"\n");
}

TEST_F(Fetching, GoesOnWhenADiskIsNoLongerFull) {
  Server server([&](const Asked& asked) { return file(asked, content); });
  std::expected<Fetched, Failure> full;
  {
    const FullDisk disk;
    full = get(order(server));
  }
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().fault, Fault::no_room) << full.error().in_words();
  EXPECT_EQ(names().size(), 1U) << "the part, and no half-written ETag";
  EXPECT_TRUE(get(order(server)));
}

TEST_F(Fetching, SaysWhatAServerRefuses) {
  struct Row {
    const char* status;
    Fault fault;
    const char* word;
  };
  for (const Row& row : {Row{"404 Not Found", Fault::refused, "no such file"},
                         {"410 Gone", Fault::gone, "gone for good"},
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

TEST_F(Fetching, IsLookedAtWhereHeadSaysNoLength) {
  bool ranges = true;
  Server server([&](const Asked& asked) {
    return asked.method == "HEAD" || !ranges ? Reply{"HTTP/1.1 200 OK", content} : file(asked, content);
  });
  const auto found = look_at(order(server), settings, progress.stop);
  ASSERT_TRUE(found) << found.error().in_words();
  EXPECT_EQ(found->bytes, content.size());
  ranges = false;
  const auto unknown = look_at(order(server), settings, progress.stop);
  ASSERT_TRUE(unknown) << unknown.error().in_words();
  EXPECT_EQ(unknown->bytes, 0U);
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
