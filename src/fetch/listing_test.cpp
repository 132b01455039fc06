#include "fetch/listing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faelled::fetch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string commit(40, 'c');
const std::string git_id(40, '1');
const std::string hash(64, 'a');

std::string small(const std::string& path, const std::string& size = "10") {
  return R"({"rfilename":")" + path + R"(","size":)" + size + R"(,"blobId":")" + git_id + R"("})";
}

std::string large(const std::string& path, const std::string& size = "1000") {
  return R"({"rfilename":")" + path + R"(","size":)" + size + R"(,"blobId":")" + git_id + R"(","lfs":{"sha256":")" +
         hash + R"(","size":)" + size + R"(,"pointerSize":135}})";
}

std::string listed(const std::vector<std::string>& files) {
  std::string all;
  for (const std::string& file : files) all += (all.empty() ? "" : ",") + file;
  return R"({"id":"o/r","sha":")" + commit + R"(","siblings":[)" + all + "]}";
}

std::expected<Listing, Failure> read(const std::string& json, const std::string& source = "hf:o/r") {
  json::Document document;
  return read_listing(json, parse_source(source).value(), document);
}

std::vector<std::string> names(const Listing& listing) {
  std::vector<std::string> all;
  for (const ListedFile& file : listing.files) all.push_back(file.name);
  return all;
}

std::string why_not(const std::vector<std::string>& files) {
  const auto listing = read(listed(files));
  EXPECT_FALSE(listing) << listed(files);
  if (listing) return {};
  EXPECT_FALSE(listing.error().retries());
  EXPECT_FALSE(listing.error().hint.empty()) << listing.error().message;
  return listing.error().message;
}

TEST(Listing, TakesWhatAnEngineReadsAndNoCode) {
  const auto listing = read(listed(
      {small(".gitattributes"), small("README.md"), small("config.json"), large("model.safetensors"),
       large("tokenizer.json"), small("tokenizer_config.json"), small("modeling_small.py"), large("pytorch_model.bin"),
       large("model.pt"), large("x.pth"), large("x.ckpt"), large("small.gguf"), small("chat_template.jinja"),
       large("tokenizer.model"), small("original/params.json"), large("original/model.safetensors"),
       small("tokenizer_evil.py"), small("tokenizer.model.v3.py"), large("model.bin")}));
  ASSERT_TRUE(listing) << listing.error().in_words();
  EXPECT_EQ(listing->commit, commit);
  EXPECT_THAT(names(*listing), ElementsAre("chat_template.jinja", "config.json", "tokenizer.json", "tokenizer.model",
                                           "tokenizer_config.json", "model.safetensors"));
  EXPECT_EQ(listing->bytes, 3U * 10 + 3 * 1000);
  EXPECT_EQ(crypto::hex(listing->find("config.json")->git), git_id);
  EXPECT_FALSE(listing->find("config.json")->sha256);
  EXPECT_EQ(crypto::hex(listing->find("tokenizer.json")->sha256.value()), hash);
}

TEST(Listing, OfAFolderWithinTakesThatOneAlone) {
  const auto files = {small("config.json"),
                      large("model.safetensors"),
                      small("fp8/config.json", "7"),
                      large("fp8/model-00001-of-00002.safetensors"),
                      large("fp8/model-00002-of-00002.safetensors"),
                      small("fp8/model.safetensors.index.json"),
                      small("fp8/more/tokenizer.json"),
                      small("fp80/tokenizer.json")};
  const auto listing = read(listed(files), "hf:o/r/fp8/");
  ASSERT_TRUE(listing) << listing.error().in_words();
  EXPECT_THAT(names(*listing), ElementsAre("config.json", "model.safetensors.index.json",
                                           "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"));
  EXPECT_EQ(listing->find("config.json")->bytes, 7U);
}

TEST(Listing, LeavesWeightsOfAnotherPrecisionThatNobodyWouldTellApart) {
  const auto both = read(listed({small("config.json"), large("model.fp16.safetensors"), large("model.safetensors")}));
  EXPECT_THAT(names(both.value()), ElementsAre("config.json", "model.safetensors"));
  EXPECT_EQ(both->bytes, 1010U);
}

TEST(Listing, IsCalledByWhatItHolds) {
  const auto one = read(listed({small("config.json"), large("model.safetensors"), small("README.md")}));
  const auto same = read(listed({large("model.safetensors"), small("config.json"), small("LICENSE")}));
  const auto other = read(listed({large("model.safetensors", "1001"), small("config.json")}));
  EXPECT_EQ(one->digest(), same->digest());
  EXPECT_NE(one->digest(), other->digest());
}

TEST(Listing, WithoutSafetensorsIsRefusedInWords) {
  EXPECT_THAT(why_not({small("config.json"), large("pytorch_model.bin")}), HasSubstr("could run code"));
  EXPECT_THAT(why_not({small("config.json"), large("x.gguf")}), HasSubstr("GGUF"));
  EXPECT_THAT(why_not({small("README.md")}), HasSubstr("holds no safetensors"));
  EXPECT_THAT(why_not({}), HasSubstr("holds no safetensors"));
  EXPECT_THAT(why_not({large("model.safetensors")}), HasSubstr("no config.json"));
  EXPECT_THAT(why_not({small("config.json"), large("adapter_model.safetensors")}), HasSubstr("holds no safetensors"));
}

TEST(Listing, WithTricksIsRefusedWhole) {
  const auto with = [](const std::string& file) {
    return why_not({small("config.json"), large("model.safetensors"), file});
  };
  for (const char* path : {"../config.json", "a/../../x", "/etc/passwd", "a//b", "./x", "a/.", "..", "", "a\\\\b",
                           "..\\\\x", "a\\u0000b", "a\\nb", "\\u007f"})
    EXPECT_THAT(with(small(path)), HasSubstr("no repository has")) << path;
  EXPECT_THAT(with(small(std::string(2000, 'x'))), HasSubstr("no repository has"));
  for (const char* path : {"tokenizer x.json", "model:x.safetensors", "tokenizer\xc3\xa6.json", "model;rm.safetensors"})
    EXPECT_THAT(with(small(path)), HasSubstr("no model has")) << path;
  EXPECT_THAT(with(small("tokenizer" + std::string(300, 'x') + ".json")), HasSubstr("no model has"));
  EXPECT_THAT(with(small("config.json")), HasSubstr("twice"));
  EXPECT_THAT(why_not({small("config.json"), large("model-A.safetensors"), large("model-a.safetensors")}),
              HasSubstr("twice"));
  EXPECT_TRUE(read(listed({small("config.json"), large("model.safetensors"), small("Readme.md"), small("README.md"),
                           small(".config.json"), small(".model")})));
}

TEST(Listing, WithSizesAndHashesThatCannotBeIsRefused) {
  const auto with = [](const std::string& file) { return why_not({small("config.json"), file}); };
  for (const char* size : {"-1", "4000000000001", "9223372036854775807", "1e300", "\"10\"", "null", "1.5"})
    EXPECT_THAT(with(large("model.safetensors", size)), HasSubstr("size and hash")) << size;
  EXPECT_THAT(with(R"({"rfilename":"model.safetensors","size":1})"), HasSubstr("size and hash"));
  EXPECT_THAT(with(R"({"rfilename":"model.safetensors","size":1,"blobId":"12"})"), HasSubstr("size and hash"));
  EXPECT_THAT(
      with(R"({"rfilename":"model.safetensors","size":1,"blobId":")" + git_id + R"(","lfs":{"sha256":"zz","size":1}})"),
      HasSubstr("size and hash"));
  EXPECT_THAT(why_not({small("config.json"), large("model-1.safetensors", "3000000000000"),
                       large("model-2.safetensors", "3000000000000")}),
              HasSubstr("larger than any model"));
  std::vector<std::string> many = {small("config.json")};
  for (int i = 0; i < 1001; ++i) many.push_back(large("model-" + std::to_string(i) + ".safetensors"));
  EXPECT_THAT(why_not(many), HasSubstr("more files than any model"));
}

TEST(Listing, ThatIsNoneIsRefused) {
  for (const char* text : {"", "no", "[]", "{}", R"({"siblings":{}})", R"({"siblings":[]})",
                           R"({"sha":"main","siblings":[]})", R"({"sha":1,"siblings":[]})", "<html>sign in</html>"}) {
    const auto listing = read(text);
    ASSERT_FALSE(listing) << text;
    EXPECT_EQ(listing.error().fault, Fault::refused) << text;
  }
  EXPECT_FALSE(read(R"({"sha":")" + commit + R"(","siblings":[1]})"));
  EXPECT_FALSE(read(R"({"sha":")" + commit + R"(","siblings":[{"rfilename":7}]})"));
}

}  // namespace
}  // namespace faelled::fetch
