#include "front_ends/signed_token.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "front_ends/token_testing.hpp"

namespace faelled::front_ends {
namespace {

class SignedToken : public ::testing::Test {
 protected:
  SignedToken() {
    rules_.secrets = {test_secret};
    token_ = token_at(clock_.wall());
  }
  ReadToken read(const std::string& text) { return read_token(text, rules_, clock_.wall(), document_); }
  TokenFault fault_of(const std::string& text) { return read(text).fault; }

  ManualClock clock_;
  TokenRules rules_;
  TestToken token_;
  json::Document document_;
};

TEST_F(SignedToken, SaysWhoIsBehindARequest) {
  token_.more = R"(,"groups":["Odense","Byg, Odense"],"kommune":"0461","level":3)";
  const ReadToken read_back = read(token_.text());
  ASSERT_TRUE(read_back.believed()) << words_of(read_back.fault);
  EXPECT_EQ(read_back.person->subject, "7f1c");
  EXPECT_EQ(read_back.person->email, "ida@aarhus.example");
  EXPECT_EQ(read_back.person->name, "Ida Østergaard");
  EXPECT_EQ(read_back.person->role, "user");
  EXPECT_EQ(read_back.person->groups, (std::vector<std::string>{"Odense", "Byg, Odense"}));
  EXPECT_NE(std::ranges::find(read_back.person->claims, std::pair<std::string, std::string>("kommune", "0461")),
            read_back.person->claims.end());
  EXPECT_NE(std::ranges::find(read_back.person->claims, std::pair<std::string, std::string>("level", "3")),
            read_back.person->claims.end());
  EXPECT_EQ(read_back.expires_at, clock_.wall() + 300s);
}

// Made by PyJWT 2.13, as Open WebUI does: jwt.encode({"sub":"u1","email":"ida@aarhus.example","name":"Ida",
// "role":"user","iss":"open-webui","iat":1767225600,"exp":1767225900}, test_secret, algorithm="HS256").
TEST_F(SignedToken, IsWhatTheLibraryOfOpenWebUiMakes) {
  const ReadToken read_back = read(
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
      "eyJzdWIiOiJ1MSIsImVtYWlsIjoiaWRhQGFhcmh1cy5leGFtcGxlIiwibmFtZSI6IklkYSIsInJvbGUiOiJ1c2VyIiwiaXNzIjoib3Blbi13ZWJ1"
      "aSIsImlhdCI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI1OTAwfQ."
      "l5Uk-vAYCZ5iK7PtIGurPU4puXQMRfzy1I3Hspl12HY");
  EXPECT_TRUE(read_back.believed()) << words_of(read_back.fault);
  EXPECT_EQ(read_back.person->subject, "u1");
}

TEST_F(SignedToken, IsRefusedFromWhoeverDoesNotHaveTheSecret) {
  EXPECT_EQ(fault_of(token_.text("another-secret-of-32-characters!!")), TokenFault::wrong_signature);
  EXPECT_EQ(fault_of(token_.text("")), TokenFault::wrong_signature);
  std::string forged = token_.text();
  TestToken other = token_;
  other.email = "ole@odense.example";
  const std::string swapped = other.text("x");
  forged.replace(forged.find('.'), forged.rfind('.') - forged.find('.'),
                 swapped.substr(swapped.find('.'), swapped.rfind('.') - swapped.find('.')));
  EXPECT_EQ(fault_of(forged), TokenFault::wrong_signature) << "another payload under a good signature";
  const std::string good = token_.text();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string turned = good;
    turned[i] = turned[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(fault_of(turned), TokenFault::none) << i;
  }
}

TEST_F(SignedToken, MayNotChooseItsAlgorithm) {
  for (const char* header : {R"({"alg":"none"})", R"({"alg":"None","typ":"JWT"})", R"({"alg":"RS256"})",
                             R"({"alg":"HS512"})", R"({"alg":""})", R"({"typ":"JWT"})", R"({"alg":["HS256"]})"}) {
    token_.header = header;
    EXPECT_EQ(fault_of(token_.text()), TokenFault::wrong_algorithm) << header;
    const std::string text = token_.text();
    EXPECT_NE(fault_of(text.substr(0, text.rfind('.') + 1)), TokenFault::none) << header << " unsigned";
  }
  token_.header = R"({"alg":"HS256","crit":["b64"],"b64":false})";
  EXPECT_EQ(fault_of(token_.text()), TokenFault::malformed);
}

TEST_F(SignedToken, ExpiresAndIsThenNoUseToWhoeverKeptIt) {
  const std::string text = token_.text();
  clock_.advance(300s);
  EXPECT_EQ(fault_of(text), TokenFault::none) << "clocks differ by half a minute at most";
  clock_.advance(limits::front_end_clock_skew - 1s);
  EXPECT_EQ(fault_of(text), TokenFault::none);
  clock_.advance(1s);
  EXPECT_EQ(fault_of(text), TokenFault::expired);
  EXPECT_TRUE(read(text).person) << "it can still be shown";
}

TEST_F(SignedToken, IsRefusedWhenItsTimesMakeNoSense) {
  token_.issued_s += 31;
  EXPECT_EQ(fault_of(token_.text()), TokenFault::not_yet);
  token_.issued_s -= 31;
  token_.life_s = 16 * 60;
  EXPECT_EQ(fault_of(token_.text()), TokenFault::lives_too_long);
  const auto with = [&](const std::string& times) {
    return signed_text(token_.header, R"({"sub":"u","iss":"open-webui")" + times + "}");
  };
  EXPECT_EQ(fault_of(with("")), TokenFault::no_expiry);
  for (const char* exp : {"-1", "\"soon\"", "1e300", "null", "[]"})
    EXPECT_EQ(fault_of(with(std::string(R"(,"exp":)") + exp)), TokenFault::no_expiry) << exp;
  EXPECT_EQ(fault_of(with(fmt::format(R"(,"exp":{})", token_.issued_s + 3600))), TokenFault::lives_too_long)
      << "without iat";
  for (const char* exp : {"17672259010", "20213000000", "253402300799"})  // the first found by the fuzzer
    EXPECT_EQ(fault_of(with(std::string(R"(,"exp":)") + exp)), TokenFault::lives_too_long) << exp;
  EXPECT_EQ(fault_of(with(fmt::format(R"(,"exp":{}.5)", token_.issued_s + 60))), TokenFault::none);
}

TEST_F(SignedToken, IsOfTheIssuerThatIsExpectedAndSaysWhoThePersonIs) {
  token_.issuer = "elsewhere";
  EXPECT_EQ(fault_of(token_.text()), TokenFault::wrong_issuer);
  token_.issuer = "open-webui";
  token_.subject = "";
  EXPECT_EQ(fault_of(token_.text()), TokenFault::no_subject);
  token_.subject = std::string(limits::front_end_subject_bytes_max + 1, 'x');
  EXPECT_EQ(fault_of(token_.text()), TokenFault::no_subject);
}

TEST_F(SignedToken, MayBeSignedWithTheOldSecretWhileItIsChanged) {
  rules_.secrets = {"the-new-secret-of-32-characters!!", test_secret};
  EXPECT_EQ(fault_of(token_.text()), TokenFault::none);
  EXPECT_EQ(fault_of(token_.text(rules_.secrets[0])), TokenFault::none);
  rules_.secrets.pop_back();
  EXPECT_EQ(fault_of(token_.text()), TokenFault::wrong_signature);
}

TEST_F(SignedToken, IsBoundedAndSurvivesNonsense) {
  token_.more = R"(,"x":")" + std::string(5000, 'x') + "\"";
  EXPECT_EQ(fault_of(token_.text()), TokenFault::too_long);
  for (const std::string& text : {std::string(), std::string("."), std::string(".."), std::string("a.b"),
                                  std::string("a.b.c.d"), std::string("e30.e30."), std::string("e30=.e30=.e30="),
                                  signed_text("{", "{}"), signed_text("[]", "{}"), signed_text("{}", "{}")})
    EXPECT_NE(fault_of(text), TokenFault::none) << text;
  EXPECT_EQ(fault_of(signed_text(token_.header, "not json")), TokenFault::malformed);
  EXPECT_EQ(fault_of(signed_text(token_.header, R"({"sub":"a","sub":"b","iss":"open-webui"})")), TokenFault::malformed)
      << "two subjects";
  EXPECT_EQ(fault_of(signed_text(token_.header, "[]")), TokenFault::malformed);
}

}  // namespace
}  // namespace faelled::front_ends
