#include "fetch/transfer.hpp"

#include <gtest/gtest.h>

#include "fetch/server_testing.hpp"

namespace faelled::fetch {
namespace {

TEST(Transfer, AsksWithinOneTimeThroughAllRedirects) {
  Server server([](const Asked& asked) {
    std::this_thread::sleep_for(300ms);
    if (asked.path == "/there") return file(asked, "here");
    return Reply{"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0", ""};
  });
  const std::atomic<bool> stop = false;
  Transfer transfer({}, stop);
  Question question;
  question.url = server.url("/first");
  question.within = 500ms;
  const auto late = transfer.ask(question);
  ASSERT_FALSE(late) << "each address took less";
  EXPECT_EQ(late.error().fault, Fault::later);
}

TEST(Transfer, AsksAtFullSpeedWhatMustComeWithinATime) {
  const std::string text(5'000'000, 'x');
  Server server([&](const Asked& asked) { return file(asked, text); });
  const std::atomic<bool> stop = false;
  Manners manners;
  manners.rate = 100'000;
  Transfer transfer(manners, stop);
  Question question;
  question.url = server.url("/");
  question.within = 5s;
  std::size_t came = 0;
  const auto answer = transfer.ask(question, {}, [&](std::span<const std::byte> piece) {
    came += piece.size();
    return true;
  });
  ASSERT_TRUE(answer) << answer.error().in_words();
  EXPECT_EQ(came, text.size());
}

TEST(Transfer, BelievesOfALinkedFileWhatTheHubAloneSays) {
  const auto says = [](const std::string& start, const std::string& etag, const std::string& to) {
    return Reply{start + "\r\nX-Linked-Etag: \"" + etag + "\"\r\nX-Linked-Size: 7\r\nContent-Length: 0" +
                     (to.empty() ? "" : "\r\nLocation: " + to),
                 ""};
  };
  const std::string ours(64, 'a'), another(64, 'b');
  Server* hub = nullptr;
  Server store([&](const Asked& asked) {
    return asked.path == "/back" ? says("HTTP/1.1 302 Found", another, hub->url("/again"))
                                 : says("HTTP/1.1 200 OK", another, "");
  });
  Server server([&](const Asked& asked) {
    return asked.path == "/again" ? says("HTTP/1.1 200 OK", another, "")
                                  : says("HTTP/1.1 302 Found", ours, store.url(asked.path));
  });
  hub = &server;
  const std::atomic<bool> stop = false;
  Transfer transfer({}, stop);
  for (const char* path : {"/file", "/back"}) {
    Question question;
    question.url = server.url(path);
    const auto answer = transfer.ask(question);
    ASSERT_TRUE(answer) << answer.error().in_words();
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(linked_sha256(*answer), crypto::from_hex(ours)) << path;
  }
}

}  // namespace
}  // namespace faelled::fetch
