#include "key_import/key_file.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace faelled::key_import {
namespace {

// SHA-256 of "sk-old-gateway-0001" and "sk-old-gateway-0002", as LiteLLM keeps them.
const std::string first_hash = crypto::hex(crypto::sha256("sk-old-gateway-0001"));
const std::string second_hash = crypto::hex(crypto::sha256("sk-old-gateway-0002"));

KeyFile read(const std::string& text) {
  auto file = read_key_file(text);
  EXPECT_TRUE(file) << (file ? "" : file.error().message);
  return file ? std::move(*file) : KeyFile{};
}

std::string only_bad(const std::string& text) {
  const KeyFile file = read(text);
  if (file.bad.size() != 1) return std::to_string(file.bad.size()) + " bad lines";
  return std::to_string(file.bad[0].line) + ": " + file.bad[0].message;
}

TEST(KeyFile, TakesADumpOfLiteLlmsTable) {
  const KeyFile file =
      read("token,key_name,key_alias,spend,expires,models,user_id,team_id,metadata,blocked\n" + first_hash +
           ",sk-...AbCd,journalsystem,12.5,2027-01-01 00:00:00,{},ida@aarhus.example,team-1,\"{\"\"a\"\": "
           "\"\"b,\nc\"\"}\",f\n" +
           second_hash + ",sk-...WxYz,,0,,{},default_user_id,NULL,{},t\n");
  ASSERT_EQ(file.keys.size(), 2u);
  EXPECT_TRUE(file.bad.empty());
  const OldKey& first = file.keys[0];
  EXPECT_EQ(first.line, 2u);
  EXPECT_EQ(first.hash, crypto::sha256("sk-old-gateway-0001"));
  EXPECT_EQ(first.name, "journalsystem");
  EXPECT_EQ(first.user, "ida@aarhus.example");
  EXPECT_EQ(first.team, "team-1");
  EXPECT_EQ(first.expires_at, WallTime(std::chrono::sys_days(std::chrono::year(2027) / 1 / 1)));
  EXPECT_FALSE(first.blocked);
  EXPECT_EQ(file.keys[1].line, 4u) << "the quotation before it went over two lines";
  EXPECT_EQ(file.keys[1].name, "sk-...WxYz");
  EXPECT_EQ(file.keys[1].team, "");
  EXPECT_TRUE(file.keys[1].blocked);
}

TEST(KeyFile, TakesTheAnswerOfKeyList) {
  const KeyFile file = read(
      "{\"keys\": [\n {\"token\": \"" + first_hash +
      "\", \"key_alias\": \"Ærø\", \"expires\": \"2027-01-01T01:00:00.5+01:00\", \"blocked\": null, \"spend\": 1.5, "
      "\"models\": "
      "[]},\n {\"token\": \"" +
      second_hash +
      "\", \"team_id\": \"t\", \"blocked\": true}\n], \"total_count\": 250, \"current_page\": 1, \"total_pages\": 3}");
  ASSERT_EQ(file.keys.size(), 2u);
  EXPECT_EQ(file.keys[0].line, 2u);
  EXPECT_EQ(file.keys[0].name, "Ærø");
  EXPECT_EQ(file.keys[0].expires_at, WallTime(std::chrono::sys_days(std::chrono::year(2027) / 1 / 1)) + 500ms);
  EXPECT_EQ(file.keys[1].line, 3u);
  EXPECT_TRUE(file.keys[1].blocked);
  EXPECT_EQ(file.keys[1].name, "imported " + second_hash.substr(0, 8));
  ASSERT_EQ(file.notes.size(), 1u);
  EXPECT_TRUE(file.notes[0].contains("one page of 3"));
}

TEST(KeyFile, HashesSecretsInClearAtOnce) {
  const KeyFile file = read("secret;name;member\r\nmy-own-old-key-0001;Portal;aarhus\r\n");
  ASSERT_EQ(file.keys.size(), 1u);
  EXPECT_EQ(file.keys[0].hash, crypto::sha256("my-own-old-key-0001"));
  EXPECT_EQ(file.keys[0].member, "aarhus");
  EXPECT_EQ(read("token\nsk-old-gateway-0001\n").keys.at(0).hash, crypto::sha256("sk-old-gateway-0001"))
      << "tables of before LiteLLM hashed its keys";
  EXPECT_EQ(read("key\n" + first_hash + "\n").keys.at(0).hash, crypto::sha256(first_hash))
      << "a key may look like a hash; the column says what it is";
}

TEST(KeyFile, NamesEveryBadLineAndTakesTheOthers) {
  const KeyFile file =
      read("token,expires,blocked\n" + first_hash + ",,\n" + first_hash + ",,\n,2027-01-01,\nsk-1234,,\n" +
           second_hash + ",soon,\n" + crypto::hex(crypto::sha256("c")) + ",,maybe\n" + second_hash + ",\n");
  ASSERT_EQ(file.keys.size(), 1u);
  ASSERT_EQ(file.bad.size(), 6u);
  const char* const wanted[] = {
      "it is the same key as on line 2",          "it has neither a token (hash) nor a secret",
      "its secret is shorter than 16 characters", "its time of expiry is none",
      "blocked is neither true nor false",        "it has 2 fields, the heading 3"};
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(file.bad[i].line, i + 3);
    EXPECT_TRUE(file.bad[i].message.contains(wanted[i])) << file.bad[i].message;
    EXPECT_FALSE(file.bad[i].message.contains("sk-1234")) << "a secret is never shown";
  }
  EXPECT_EQ(only_bad("hash,secret\n" + first_hash + ",sk-old-gateway-0002\n"),
            "2: its token is not the hash of its secret");
  EXPECT_EQ(only_bad("[1]"), "1: it is no object");
  EXPECT_EQ(read("token,name\n,\n" + first_hash + ",a\n,\n").keys.at(0).line, 3u) << "rows of nothing are passed over";
  EXPECT_EQ(only_bad("token,name\n" + first_hash + "," + std::string(600, 'x') + "\n"),
            "2: a field is longer than 512 bytes");
}

TEST(KeyFile, TakesHeadingsAndValuesWithBlanksAroundThem) {
  const KeyFile file = read(
      "secret, name ,\tmember, expires, blocked\n"
      "my-own-old-key-0001, Portal, aarhus, 2027-01-01T00:00:00Z, true\n");
  ASSERT_EQ(file.keys.size(), 1u);
  EXPECT_TRUE(file.notes.empty());
  EXPECT_EQ(file.keys[0].name, "Portal");
  EXPECT_EQ(file.keys[0].member, "aarhus");
  EXPECT_TRUE(file.keys[0].expires_at);
  EXPECT_TRUE(file.keys[0].blocked);
}

TEST(KeyFile, NamesWhatItDidNotRead) {
  using Notes = std::vector<std::string>;
  EXPECT_EQ(read("token,expire,,sk-old-gateway-0009\n" + first_hash + ",2020-01-01,,\n").notes,
            (Notes{"column \"expire\" was not read", "column 3 was not read", "column 4 was not read"}));
  EXPECT_EQ(read("token,spend,metadata,max_budget,created_at,updated_at\n" + first_hash + ",1,{},2,,\n").notes,
            Notes{});
  EXPECT_EQ(
      read("[{\"token\": \"" + first_hash + "\", \"Expiry\": \"2020-01-01\", \"scopes\": [], \"spend\": 1}]").notes,
      Notes{"column \"expiry\" was not read"});
  std::string many = "token";
  for (int i = 0; i < 1000; ++i) many += ",a" + std::to_string(i);
  EXPECT_EQ(read(many + "\n").notes.size(), 20u);
}

TEST(KeyFile, AKeyThatWasHeldToModelsIsNotOpenedToAllWithoutAWord) {
  const std::string text =
      "token,models\n" + first_hash + ",\"{gpt-4o,\"\"all-team-models\"\"}\"\n" + second_hash + ",{}\n";
  EXPECT_EQ(only_bad(text), "2: it was held to certain models, and here it would open all that its member may use");
  const auto ignored = read_key_file(text, ModelLists::ignored);
  ASSERT_TRUE(ignored);
  EXPECT_EQ(ignored->keys.size(), 2u);
  EXPECT_EQ(ignored->notes, (std::vector<std::string>{
                                "1 of the keys were held to certain models; here each opens all that its member may "
                                "use"}));
  const auto of_json = [](const std::string& models) {
    return read("[{\"token\": \"" + first_hash + "\", \"models\": " + models + "}]").bad.size();
  };
  EXPECT_EQ(of_json("[\"gpt-4o\"]"), 1u);
  EXPECT_EQ(of_json("[\"no-default-models\"]"), 1u) << "it opened none";
  for (const char* open : {"[]", "null", "\"\"", "[\"all-team-models\"]", "[\"all-proxy-models\", \"*\"]"})
    EXPECT_EQ(of_json(open), 0u) << open;
}

TEST(KeyFile, SaysWhatAFileIsThatHoldsNoKeys) {
  const auto error = [](const std::string& text) {
    const auto file = read_key_file(text);
    return file ? std::string("none") : file.error().message;
  };
  EXPECT_EQ(error(""), "the file is empty");
  EXPECT_EQ(error("\xEF\xBB\xBF \n"), "the file is empty");
  EXPECT_TRUE(error("name,member\na,b\n").contains("no column is called token"));
  EXPECT_TRUE(error("token\n\"abc\n").contains("line 2: a quotation begins and does not end"));
  EXPECT_TRUE(error("token\n\"abc\"d\n").contains("line 2: something stands behind a quotation"));
  EXPECT_TRUE(error("{\"keys\": {}}").contains("holds no list of keys"));
  EXPECT_TRUE(error("{").contains("is no JSON"));
  EXPECT_TRUE(error("{\"keys\": [\"" + first_hash + "\"]}").contains("hashes alone"));
  std::string many = "token\n";
  for (std::size_t i = 0; i <= limits::key_import_rows_max; ++i)
    many += crypto::hex(crypto::sha256(std::to_string(i))) + "\n";
  EXPECT_TRUE(error(many).contains("more than 20000 keys"));
}

}  // namespace
}  // namespace faelled::key_import
