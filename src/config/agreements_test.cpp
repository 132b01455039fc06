#include "config/agreements.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faelled::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> problems_of(const std::string& text) {
  std::vector<std::string> all;
  for (const Problem& problem : parse_agreements(text).problems) all.push_back(describe(problem, "f.yaml"));
  return all;
}

TEST(AgreementsFile, ASecondDocumentIsAMistake) {
  const std::string first = "tiers: [{ id: stor }]\nagreements: []\n---\n";
  EXPECT_THAT(problems_of(first), IsEmpty());
  EXPECT_THAT(problems_of(first + "agreements:\n  - { member: aarhus, tier: stor, from: 2026-01-01 }\n"),
              ElementsAre(HasSubstr("f.yaml:4:1: a second document begins here; nothing of it would be read")));
}

TEST(AgreementsFile, SaysTiersAgreementsAndKeys) {
  const ParsedAgreements parsed = parse_agreements(R"(share_by:
  size_class:
    - { below: 25000, value: 22 }
    - { value: 52 }
fee_by:
  inhabitants: { each: 2500, per: 12, knee: 150000, above: 1250 }
tiers:
  - id: stor
    name: Stor by
    places: 16
    wait_s: 60
    models: [gemma, "qwen:7b"]
agreements:
  - member: aarhus
    tier: stor
    from: 2026-01-01
  - member: odense
    tier: stor
    from: 2026-01-01
    until: 2026-12-31
    share: 40
    places: 0
    wait_s: 5
    models: []
    fee_ore: 100
    suspended: true
    reason_da: Regningen er ikke betalt.
    reason_en: The invoice is not paid.
)");
  EXPECT_THAT(parsed.problems, IsEmpty());
  const AgreementsFile& file = parsed.file;
  EXPECT_EQ(file.share_by.kind, "size_class");
  ASSERT_EQ(file.share_by.bands.size(), 2U);
  EXPECT_EQ(file.share_by.bands[0].below, 25'000U);
  EXPECT_EQ(file.share_by.bands[1].value, 52U);
  EXPECT_EQ(file.fee_by.kind, "inhabitants");
  EXPECT_EQ(file.fee_by.knee, 150'000U);
  EXPECT_EQ(file.fee_by.per, 12U);
  ASSERT_EQ(file.tiers.size(), 1U);
  EXPECT_EQ(file.tiers[0].share, std::nullopt);
  EXPECT_THAT(*file.tiers[0].models, ElementsAre("gemma", "qwen:7b"));
  ASSERT_EQ(file.agreements.size(), 2U);
  EXPECT_EQ(file.agreements[0].models, std::nullopt) << "as its tier";
  EXPECT_EQ(file.agreements[0].at.line, 14U);
  EXPECT_THAT(*file.agreements[1].models, IsEmpty()) << "all";
  EXPECT_EQ(file.agreements[1].until, "2026-12-31");
  EXPECT_TRUE(file.agreements[1].suspended);
}

TEST(AgreementsFile, TellsEveryMistakeWithItsLineAndAHint) {
  EXPECT_THAT(
      problems_of(R"(tiers:
  - id: stor
    share: 0
    placse: 3
  - name: none
agreements:
  - member: aarhus
    tier: stor
    from: 2026-02-30
    share: -3
  - member: odense
    tier: stor
    from: 2026-05-01
    until: 2026-04-30
    fee_ore: 10.50
    suspended: maybe
  - just words
)"),
      ElementsAre(
          HasSubstr("f.yaml:3:12: tiers[0].share must be a whole number, not '0' at line 3; allowed: 1 to 1000000"),
          HasSubstr("f.yaml:4:5: unknown key 'placse' in tiers[0] at line 4; did you mean 'places'?"),
          HasSubstr("f.yaml:5:5: tiers[1].id is missing"),
          HasSubstr("f.yaml:9:11: agreements[0].from must be a day, not '2026-02-30'"),
          HasSubstr("f.yaml:10:12: agreements[0].share must be a whole number, not '-3'"),
          HasSubstr("f.yaml:14:12: agreements[1].until, the last day, comes before from"),
          HasSubstr("f.yaml:15:14: agreements[1].fee_ore must be a whole number, not '10.50'"),
          HasSubstr("f.yaml:16:16: agreements[1].suspended must be one of true, false"),
          HasSubstr("f.yaml:17:5: agreements[2] must be a mapping")));
}

TEST(AgreementsFile, ThatSaysNothingEndsNothing) {
  EXPECT_THAT(problems_of("{}"), ElementsAre(HasSubstr("agreements is missing"), HasSubstr("tiers is missing")));
  EXPECT_THAT(problems_of(""), ElementsAre(HasSubstr("the file must be a mapping")));
  EXPECT_THAT(problems_of("tiers: []\nagreements: []\n"), IsEmpty());
  EXPECT_THAT(problems_of("tiers: [\n"), ElementsAre(HasSubstr("this is no YAML")));
}

TEST(AgreementsFile, TakesKeysThatGiveEachSizeOneValue) {
  const auto with = [](const std::string& key) { return problems_of(key + "\ntiers: []\nagreements: []\n"); };
  EXPECT_THAT(with("share_by: fixed"), IsEmpty());
  EXPECT_THAT(with("share_by: size"), ElementsAre(HasSubstr("use fixed, size_class or inhabitants")));
  EXPECT_THAT(with("share_by: size_class"), ElementsAre(HasSubstr("has no values")));
  EXPECT_THAT(with("share_by: {}"), ElementsAre(HasSubstr("needs one of")));
  EXPECT_THAT(with("share_by: {size_class: [{below: 5, value: 1}]}"),
              ElementsAre(HasSubstr("no band for the largest")));
  EXPECT_THAT(with("share_by: {size_class: [{below: 5, value: 1}, {below: 5, value: 2}, {value: 3}]}"),
              ElementsAre(HasSubstr("begin with the smallest")));
  EXPECT_THAT(with("share_by: {size_class: [{value: 1}, {below: 5, value: 2}, {value: 3}]}"),
              ElementsAre(HasSubstr("begin with the smallest")));
  EXPECT_THAT(with("fee_by: {inhabitants: {each: 1, knee: 5}}"), ElementsAre(HasSubstr("belong together")));
  EXPECT_THAT(with("fee_by: {inhabitants: {knee: 5, above: 1}}"), ElementsAre(HasSubstr("each is missing")));
  EXPECT_THAT(with("fee_by: {inhabitants: {each: 1, per: 0}}"), ElementsAre(HasSubstr("per must be a whole number")));
  EXPECT_THAT(with("fee_by: {inhabitants: 7}"), ElementsAre(HasSubstr("must be a mapping")));
}

TEST(Inhabitants, AreReadFromWhatSpreadsheetsWrite) {
  for (const std::string text : {"member,inhabitants\naarhus,367095\nribe,8168\n",
                                 "\xEF\xBB\xBFmember;inhabitants\r\naarhus;367095\r\n\r\nribe;8168\r\n",
                                 "\"inhabitants\"\t\"member\"\n\"367095\"\t\"aarhus\"\n8168\tribe",
                                 "name;member;inhabitants\n\"Aarhus; i dag\"; aarhus ;367095\nRibe;ribe;8168\n"}) {
    const ParsedInhabitants parsed = parse_inhabitants(text);
    EXPECT_THAT(parsed.problems, IsEmpty()) << text;
    EXPECT_EQ(parsed.of, (std::map<std::string, std::uint64_t>{{"aarhus", 367'095}, {"ribe", 8'168}}));
  }
}

TEST(Inhabitants, AKeyAmongThemIsNotTold) {
  const std::string key = "sk-" + std::string(30, 'a');
  const std::string cut_off = std::string(50, 'x') + " " + key;  // where a message is cut
  const std::string behind_a_long_one = "sk-" + std::string(57, 'b') + " " + key;
  for (const std::string& member : {key, cut_off, behind_a_long_one, key + " " + key + " " + key}) {
    const auto problems = parse_inhabitants("member,inhabitants\n" + member + ",1\n" + member + ",2\n").problems;
    ASSERT_FALSE(problems.empty());
    for (const Problem& problem : problems) EXPECT_THAT(problem.message, Not(HasSubstr("aaa"))) << problem.message;
  }
}

TEST(Inhabitants, ThatAreNoneAreToldWithTheirLine) {
  std::vector<std::size_t> lines;
  for (const Problem& problem :
       parse_inhabitants("member,inhabitants\naarhus,367.095\nribe\nodense,0\nvejle,5\nvejle,6\n,7\n").problems) {
    lines.push_back(problem.line);
    EXPECT_FALSE(problem.hint.empty());
  }
  EXPECT_THAT(lines, ElementsAre(2, 3, 4, 6, 7));
  EXPECT_EQ(parse_inhabitants("").problems.size(), 1U);
  EXPECT_EQ(parse_inhabitants("member,inhabitants\naarhus,1\n\"ribe,2\n").problems.at(0).line, 3U);
  EXPECT_THAT(parse_inhabitants("kommune,antal\na,1\n").problems.at(0).hint, HasSubstr("member,inhabitants"));
}

}  // namespace
}  // namespace faelled::config
