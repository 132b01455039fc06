#include "command_line_testing.hpp"

namespace faelled::app {
namespace {

constexpr const char* two_tiers = R"(tiers:
  - { id: stor, name: Stor by, share: 52, places: 4, wait_s: 60, fee_ore: 566800 }
  - { id: lille, share: 22, places: 2, models: [m], fee_ore: 239800 }
agreements:
  - { member: aarhus, tier: stor, from: 2026-01-01 }
  - { member: ribe, tier: lille, from: 2026-01-01 }
)";

class Apply : public CommandLine {
 protected:
  void SetUp() override {
    serve();
    for (const char* member : {"aarhus", "ribe"}) faelled(std::string("member add ") + member);
  }
  std::string write(const char* name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  // With what a person types.
  Said answered(const std::string& line, const std::string& typed) {
    std::istringstream in(typed);
    std::streambuf* before = std::cin.rdbuf(in.rdbuf());
    Said said = faelled(line);
    std::cin.rdbuf(before);
    std::cin.clear();
    return said;
  }
  std::string sum() { return faelled("agreement list").out; }
};

TEST_F(Apply, ShowsTheDifferenceAndAsksAndASecondTimeHasNothingToDo) {
  const std::string command = "apply -f " + write("a.yaml", two_tiers);
  const Said no = answered(command, "n\n");
  EXPECT_EQ(no.status, 1);
  EXPECT_TRUE(
      no.out.contains("+ tier stor: name Stor by, share 52, places 4, wait 60 s, models all, fee a month "
                      "5668.00 kr"))
      << no.out;
  EXPECT_TRUE(
      no.out.contains("+ ribe: tier lille, from 2026-01-01, until it is ended, share 22, places 2, wait as the "
                      "server's, models m, fee a month 2398.00 kr, suspended no"))
      << no.out;
  EXPECT_TRUE(no.out.contains("Agreements: 2 begin, 0 change, 0 end."));
  EXPECT_TRUE(no.out.ends_with("Nothing was changed.\n"));
  EXPECT_EQ(count(sum(), "aarhus"), 0U);
  EXPECT_EQ(answered(command, "").status, 1) << "nobody is there to answer";
  EXPECT_TRUE(answered(command, "ja\n").out.ends_with("Done.\n"));
  EXPECT_EQ(count(sum(), "in_force"), 2U);
  const Said again = faelled(command);
  EXPECT_EQ(again.status, 0);
  EXPECT_EQ(again.out, "There is nothing to do.\n");
  EXPECT_EQ(faelled(command + " --yes").out, "There is nothing to do.\n");
}

TEST_F(Apply, TellsBeforeAndAfterAndKeepsWhatWas) {
  faelled("apply --yes -f " + write("a.yaml", two_tiers));
  std::string changed = two_tiers;
  changed.replace(changed.find("share: 52"), 9, "share: 60");
  changed.erase(changed.find("  - { member: ribe"));
  const Said said = faelled("apply --yes -f " + write("b.yaml", changed));
  EXPECT_TRUE(said.out.contains("~ tier stor: share 52 → 60\n")) << said.out;
  EXPECT_TRUE(said.out.contains("~ aarhus: share 52 → 60\n")) << said.out;
  EXPECT_TRUE(said.out.contains("- ribe: tier lille")) << said.out;
  EXPECT_TRUE(said.out.contains("warning: ribe has no agreement then")) << said.out;
  EXPECT_TRUE(said.out.ends_with("Agreements: 0 begin, 1 changes, 1 ends.\nDone.\n")) << said.out;
  EXPECT_TRUE(faelled("agreement show aarhus").out.contains("\nshare: 60\n"));
  EXPECT_TRUE(faelled("agreement show ribe").out.contains("ribe has no agreement"));
  const std::string history = faelled("agreement history aarhus").out;
  EXPECT_EQ(count(history, "agr_"), 2U) << history;
  EXPECT_EQ(count(history, " ended  "), 1U) << history;
  EXPECT_EQ(count(faelled("agreement history").out, "ribe"), 1U);
  EXPECT_EQ(count(faelled("agreement history --csv").out, "\r\n"), 4U);
  EXPECT_TRUE(faelled("agreement list --excel").out.starts_with("\xEF\xBB\xBFmember;tier;"));
  EXPECT_EQ(count(faelled("tier list").out, "stor"), 1U);
  EXPECT_EQ(count(faelled("audit log --action agreement.change").out, "aarhus"), 1U);
}

TEST_F(Apply, SaysWhereInTheFileAnythingIsWrong) {
  std::string wrong = two_tiers;
  wrong.replace(wrong.find("member: ribe"), 12, "member: nobody");
  wrong.replace(wrong.find("models: [m]"), 11, "models: [q]");
  const Said said = faelled("apply --yes -f " + write("a.yaml", wrong));
  EXPECT_EQ(said.status, 1);
  EXPECT_TRUE(said.err.contains("a.yaml:3:5: tiers[1].models: there is no model 'q'; there are: m")) << said.err;
  EXPECT_TRUE(said.err.contains("a.yaml:6:5: agreements[1].member: there is no member 'nobody'")) << said.err;
  EXPECT_TRUE(said.err.contains("nothing was changed"));
  const Said yaml = faelled("apply --yes -f " + write("b.yaml", "tiers: []\nagreements: [{member: aarhus}]\n"));
  EXPECT_EQ(yaml.status, 1);
  EXPECT_TRUE(yaml.err.contains("b.yaml:2:14: agreements[0].from is missing")) << yaml.err;
  EXPECT_EQ(faelled("apply --yes -f /nowhere/a.yaml").status, 1);
  EXPECT_NE(faelled("apply").status, 0);
}

TEST_F(Apply, ReckonsByAFileOfInhabitants) {
  const std::string file = write("a.yaml", R"(share_by:
  size_class: [{ below: 60000, value: 32 }, { value: 52 }]
fee_by:
  inhabitants: { each: 2500, per: 12, knee: 150000, above: 1250 }
tiers: [{ id: alle }]
agreements:
  - { member: aarhus, tier: alle, from: 2026-01-01 }
  - { member: ribe, tier: alle, from: 2026-01-01 }
)");
  const Said without = faelled("apply --yes -f " + file);
  EXPECT_EQ(without.status, 1);
  EXPECT_TRUE(without.err.contains("agreements[0].share: shares go by size_class")) << without.err;
  const std::string csv = write("i.csv", "member,inhabitants\naarhus,300000\nribe,12000\n");
  const Said said = faelled("apply --json --yes -f " + file + " --inhabitants " + csv);
  EXPECT_EQ(text_at(said.out, "steps.1.after.share"), "52") << said.out << said.err;
  EXPECT_EQ(text_at(said.out, "steps.2.after.fee_ore"), "2500000");
  EXPECT_EQ(text_at(said.out, "applied"), "true");
  const std::string bad = write("bad.csv", "member,inhabitants\naarhus,300.000\n");
  EXPECT_TRUE(faelled("apply --yes -f " + file + " --inhabitants " + bad).err.contains("bad.csv:2:1:"));
}

TEST_F(Apply, AsJsonChangesNothingUnlessToldTo) {
  const std::string command = "apply --json -f " + write("a.yaml", two_tiers);
  const Said shown = faelled(command);
  EXPECT_EQ(text_at(shown.out, "applied"), "false");
  EXPECT_EQ(text_at(shown.out, "steps.0.kind"), "add_tier");
  EXPECT_EQ(count(sum(), "agr_"), 0U);
  EXPECT_EQ(text_at(faelled(command + " --yes").out, "applied"), "true");
  EXPECT_EQ(text_at(faelled(command + " --yes").out, "steps"), "[]");
}

}  // namespace
}  // namespace faelled::app
