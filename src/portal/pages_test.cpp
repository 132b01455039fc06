#include "portal/pages.hpp"

#include "portal/assets.hpp"
#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

const Asset& hashed_asset() {
  for (const Asset& asset : all_assets())
    if (asset.path.starts_with("/assets/") && asset.path.ends_with(".js") && !asset.brotli.empty()) return asset;
  throw std::runtime_error("the built UI has no compressed script");
}

class Pages : public PortalTest {};

TEST_F(Pages, EveryAnswerForbidsABrowserWhatItNeedNot) {
  in_world([](World& world) -> Task<void> {
    for (const std::string path : {"/", "/sign-in", "/c/con_1", "/assets/none.js", "/favicon.ico"}) {
      const Answer page = co_await world.ask("GET", path);
      const std::string policy = page.header("Content-Security-Policy");
      EXPECT_TRUE(policy.contains("default-src 'none'") && policy.contains("script-src 'self'") &&
                  policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"))
          << path;
      EXPECT_FALSE(policy.contains("unsafe")) << path;
      EXPECT_EQ(page.header("X-Content-Type-Options"), "nosniff") << path;
      EXPECT_EQ(page.header("X-Frame-Options"), "DENY") << path;
      EXPECT_EQ(page.header("Referrer-Policy"), "no-referrer") << path;
      EXPECT_EQ(page.header("Cross-Origin-Opener-Policy"), "same-origin") << path;
    }
  });
}

TEST_F(Pages, OnlyAddressesOfPagesGetTheDocument) {
  in_world([](World& world) -> Task<void> {
    for (const std::string path : {"/",
                                   "/?x=1",
                                   "/sign-in",
                                   "/c",
                                   "/c/",
                                   "/c/con_1",
                                   "/c/%E0%A4%A",
                                   "/keys",
                                   "/usage?days=7",
                                   "/share",
                                   "/fairness",
                                   "/drift",
                                   "/models",
                                   "/people",
                                   "/people/audit",
                                   "/agreements",
                                   "/agreements/tiers",
                                   "/status",
                                   "/maintenance",
                                   "/help",
                                   "/privacy"}) {
      const Answer page = co_await world.ask("GET", path);
      EXPECT_EQ(page.status, 200) << path;
      EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8") << path;
      EXPECT_EQ(page.header("Cache-Control"), "no-cache") << path;
    }
    for (const std::string path :
         {"/nothing", "/c/a/b", "/c/../x", "/assets", "/assets/", "/assets/../index.html", "/assets/../../etc/passwd",
          "/assets/%2e%2e/index.html", "/%2e%2e/etc/passwd", "/..", "//", "/index.html/", "/sign-in/", "/.git/config",
          "/keysx", "/people/a/b", "/help/../x"})
      EXPECT_EQ((co_await world.ask("GET", path)).status, 404) << path;
  });
}

TEST_F(Pages, AStrangeTargetIsRefusedAndNothingElse) {
  in_world([](World& world) -> Task<void> {
    for (const std::string target : {"*", "http://x/", "http://x", "x", "?"}) {
      const Answer answer = co_await world.ask("GET", target);
      EXPECT_TRUE(answer.status == 200 || answer.status == 400 || answer.status == 404)
          << target << ": " << answer.status;
    }
    EXPECT_EQ((co_await world.ask("GET", "/")).status, 200) << "it still serves";
  });
}

TEST_F(Pages, AFormIsChosenByWhatTheBrowserTakes) {
  in_world([](World& world) -> Task<void> {
    const Asset& asset = hashed_asset();
    const std::string path(asset.path);
    struct Row {
      const char* accepts;
      std::string_view body;
      const char* coding;
    };
    for (const Row& row : {Row{"gzip, deflate, br", asset.brotli, "br"}, Row{"gzip, br;q=0", asset.gzip, "gzip"},
                           Row{"br;q=0.000,gzip;q=0", asset.identity, ""}, Row{"*", asset.brotli, "br"},
                           Row{"br ; q=0.1", asset.brotli, "br"}, Row{"*;q=0", asset.identity, ""},
                           Row{"brotli, gzipped", asset.identity, ""}, Row{"identity", asset.identity, ""},
                           Row{"GZIP", asset.gzip, "gzip"}}) {
      const Answer answer = co_await world.ask("GET", path, {}, fmt::format("Accept-Encoding: {}\r\n", row.accepts));
      EXPECT_EQ(answer.header("Content-Encoding"), row.coding) << row.accepts;
      EXPECT_TRUE(answer.body == row.body) << row.accepts;
      EXPECT_EQ(answer.header("Vary"), "Accept-Encoding");
      EXPECT_EQ(answer.header("Content-Length"), std::to_string(row.body.size()));
    }
    EXPECT_TRUE((co_await world.ask("GET", path)).body == asset.identity) << "no header: as it is";
  });
}

TEST_F(Pages, AFileWhoseNameIsItsHashStaysAndTheDocumentIsAskedForAgain) {
  in_world([](World& world) -> Task<void> {
    const std::string path(hashed_asset().path);
    const Answer whole = co_await world.ask("GET", path, {}, "Accept-Encoding: br\r\n");
    EXPECT_EQ(whole.header("Cache-Control"), "public, max-age=31536000, immutable");
    const std::string etag = whole.header("ETag");
    const Answer same =
        co_await world.ask("GET", path, {}, fmt::format("Accept-Encoding: br\r\nIf-None-Match: \"x\", W/{}\r\n", etag));
    EXPECT_EQ(same.status, 304);
    EXPECT_EQ(same.header("ETag"), etag);
    EXPECT_TRUE(same.body.empty());
    EXPECT_EQ((co_await world.ask("GET", path, {}, fmt::format("If-None-Match: {}\r\n", etag))).status, 200)
        << "another form is other bytes";
    EXPECT_EQ((co_await world.ask("GET", "/", {}, "If-None-Match: *\r\n")).status, 304);
  });
}

TEST_F(Pages, HeadTellsTheSameAsGetWithoutABody) {
  in_world([](World& world) -> Task<void> {
    const Answer get = co_await world.ask("GET", "/"), head = co_await world.ask("HEAD", "/");
    EXPECT_EQ(head.status, 200);
    EXPECT_TRUE(head.body.empty());
    EXPECT_EQ(head.header("Content-Length"), get.header("Content-Length"));
    EXPECT_EQ(head.header("ETag"), get.header("ETag"));
    const Answer posted = co_await world.ask("POST", "/");
    EXPECT_EQ(posted.status, 405);
    EXPECT_EQ(posted.header("Allow"), "GET, HEAD");
  });
}

}  // namespace
}  // namespace faelled::portal
