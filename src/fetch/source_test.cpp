#include "fetch/source.hpp"

#include <gtest/gtest.h>

namespace faelled::fetch {
namespace {

TEST(Source, IsAnAddressOrAFileOfAHub) {
  const auto web = parse_source("https://host.example:8443/models/Small%20one.gguf");
  ASSERT_TRUE(web);
  EXPECT_FALSE(web->of_hub());
  EXPECT_EQ(url_of(*web, "https://hub"), "https://host.example:8443/models/Small%20one.gguf");
  EXPECT_EQ(base_name(*web), "Small_20one.gguf");
  const auto hub = parse_source("hf:ggml-org/gemma-3-270m-GGUF/sub/gemma (q4).gguf");
  EXPECT_FALSE(hub) << "no spaces";
  const auto pinned = parse_source("hf:ggml-org/gemma-3-270m-GGUF@2f5c0d1/sub/gemma+q4.gguf");
  ASSERT_TRUE(pinned);
  EXPECT_TRUE(pinned->of_hub());
  EXPECT_EQ(pinned->repository, "ggml-org/gemma-3-270m-GGUF");
  EXPECT_EQ(pinned->revision, "2f5c0d1");
  EXPECT_EQ(url_of(*pinned, "https://hub"),
            "https://hub/ggml-org/gemma-3-270m-GGUF/resolve/2f5c0d1/sub/gemma%2Bq4.gguf");
  EXPECT_EQ(parse_source("hf:o/r/x.gguf")->revision, "main");
}

TEST(Source, IsAFolderOfAHub) {
  const auto whole = parse_source("hf:owner/Small-0.6B@v1");
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_TRUE(whole->is_folder());
  EXPECT_EQ(whole->repository, "owner/Small-0.6B");
  EXPECT_EQ(whole->revision, "v1");
  EXPECT_EQ(base_name(*whole), "Small-0.6B.folder");
  EXPECT_EQ(parse_source("hf:owner/Small-0.6B/")->path, "");
  EXPECT_EQ(parse_source("hf:owner/Small-0.6B")->revision, "main");
  const auto within = parse_source("hf:owner/repo/sub/part one/");
  EXPECT_FALSE(within) << "no spaces";
  const auto below = parse_source("hf:owner/repo/sub/fp8/");
  ASSERT_TRUE(below);
  EXPECT_TRUE(below->is_folder());
  EXPECT_EQ(below->path, "sub/fp8/");
  EXPECT_EQ(base_name(*below), "fp8.folder");
  EXPECT_EQ(url_of(file_of(*below, "abc", "config.json"), "https://hub"),
            "https://hub/owner/repo/resolve/abc/sub/fp8/config.json");
  EXPECT_EQ(listing_url_of(*below, "v2", "https://hub"), "https://hub/api/models/owner/repo/revision/v2?blobs=true");
  EXPECT_FALSE(parse_source("hf:owner/repo/x.gguf")->is_folder());
  EXPECT_TRUE(is_commit(std::string(40, 'a')));
  EXPECT_FALSE(is_commit(std::string(40, 'A')) || is_commit(std::string(39, 'a')) || is_commit("main"));
}

TEST(Source, OfThisMachineMayGoWithoutEncryption) {
  for (const char* text :
       {"http://127.0.0.1:8000/x.gguf", "http://localhost/x.gguf", "http://[::1]:80/x.gguf", "http://127.9.9.9/x.gguf"})
    EXPECT_TRUE(parse_source(text)) << text;
}

TEST(Source, ThatCannotBeMeantIsRefusedInWords) {
  for (const char* text : {"",
                           "x.gguf",
                           "/srv/x.gguf",
                           "file:///srv/x.gguf",
                           "ftp://host/x.gguf",
                           "http://host/x.gguf",
                           "http://10.0.0.1/x.gguf",
                           "http://127.0.0.1.host.example/x.gguf",
                           "http://localhost.example/x.gguf",
                           "https://host/x.safetensors",
                           "https://host/x.gguf?token=1",
                           "https://host/x.gguf#a",
                           "https:///x.gguf",
                           "https://host.gguf",
                           "https://ho st/x.gguf",
                           "hf:x.gguf",
                           "hf:owner/x.gguf",
                           "hf:owner",
                           "hf:owner/",
                           "hf:owner//",
                           "hf:owner/repo/sub",
                           "hf:owner/repo/sub//",
                           "hf:owner/repo/../",
                           "hf:owner/repo/model.safetensors",
                           "https://host/folder/",
                           "hf:/repo/x.gguf",
                           "hf:owner/../x.gguf",
                           "hf:owner/repo/../x.gguf",
                           "hf:owner/repo@/x.gguf",
                           "hf:owner/repo//x.gguf",
                           "hf:owner/repo@a b/x.gguf",
                           "https://host/\r\nX: y/x.gguf"}) {
    const auto source = parse_source(text);
    ASSERT_FALSE(source) << text;
    EXPECT_EQ(source.error().code, Errc::invalid) << text;
    EXPECT_FALSE(source.error().message.empty());
    EXPECT_FALSE(source.error().hint.empty()) << text;
  }
  EXPECT_FALSE(parse_source("https://host/" + std::string(3000, 'x') + ".gguf"));
}

TEST(Source, NeverShowsAPassword) {
  for (const char* text : {"https://user:hunter2@host/x.gguf", "http://hunter2@127.0.0.1/x.gguf"}) {
    const auto source = parse_source(text);
    ASSERT_FALSE(source);
    EXPECT_FALSE((source.error().message + source.error().hint).contains("hunter2"));
  }
  EXPECT_EQ(shown("https://host/x.gguf?signature=hunter2"), "https://host/x.gguf");
}

TEST(Source, OfAHubThatIsAnAddress) {
  EXPECT_EQ(parse_hub("https://huggingface.co/"), "https://huggingface.co");
  EXPECT_EQ(parse_hub("http://127.0.0.1:80/mirror"), "http://127.0.0.1:80/mirror");
  for (const char* text : {"", "huggingface.co", "http://hub.example", "https://u:p@hub", "https://hub?x", "https://"})
    EXPECT_FALSE(parse_hub(text)) << text;
}

TEST(Source, OriginIsSchemeHostAndPort) {
  EXPECT_EQ(origin_of("https://host:1/x?y"), "https://host:1");
  EXPECT_EQ(origin_of("https://host"), "https://host");
  EXPECT_EQ(origin_of("ftp://host/x"), "");
}

}  // namespace
}  // namespace faelled::fetch
