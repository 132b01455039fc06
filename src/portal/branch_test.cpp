#include "portal/branch.hpp"

#include <gtest/gtest.h>

namespace faelled::portal {
namespace {

using store::Message;
using store::MessageRole;

Message said(std::string id, std::string parent, std::string content, bool asked = false) {
  Message out;
  out.id = std::move(id);
  out.parent = std::move(parent);
  out.content = std::move(content);
  out.role = asked ? MessageRole::user : MessageRole::assistant;
  out.model = asked ? "" : "m";
  return out;
}

std::string ids(const std::vector<Message>& all) {
  std::string out;
  for (const Message& one : all) out += one.id + " ";
  return out;
}

//   q1 ─ a1 ─ q2 ─ a2
//      └ a1b     └ a2b
//   q1b ─ a1c
const std::vector<Message> tree = {said("q1", "", "en", true),  said("a1", "q1", "svar"),  said("q2", "a1", "to", true),
                                   said("a2", "q2", "svar"),    said("a1b", "q1", "svar"), said("a2b", "q2", "svar"),
                                   said("q1b", "", "en", true), said("a1c", "q1b", "svar")};

TEST(Branch, GoesFromTheFirstMessageToTheLeaf) {
  EXPECT_EQ(ids(branch_to(tree, "a2")), "q1 a1 q2 a2 ");
  EXPECT_EQ(ids(branch_to(tree, "a2b")), "q1 a1 q2 a2b ");
  EXPECT_EQ(ids(branch_to(tree, "a1b")), "q1 a1b ");
  EXPECT_EQ(ids(branch_to(tree, "q2")), "q1 a1 q2 ");
}

TEST(Branch, IsTheNewestWhereNoLeafIsNamed) {
  EXPECT_EQ(ids(branch_to(tree, "")), "q1b a1c ");
  EXPECT_EQ(ids(branch_to(tree, "gone")), "q1b a1c ");
  EXPECT_EQ(ids(branch_to({}, "")), "");
}

TEST(Branch, OfDamagedRowsEnds) { EXPECT_LE(branch_to({said("a", "b", ""), said("b", "a", "")}, "a").size(), 3U); }

TEST(Branch, TakesWhatTheEngineCountedAndEstimatesTheRest) {
  std::vector<Message> branch = branch_to(tree, "a2");
  const std::uint32_t guessed = tokens_in(branch, "m");
  EXPECT_EQ(guessed, 4U * 6 + 1 + 2 + 1 + 2) << "two tokens in seven bytes, rounded up, and six a message";
  branch[1].input_tokens = 1000;
  branch[1].output_tokens = 200;
  EXPECT_EQ(tokens_in(branch, "m"), 1200 + 6 + 1 + 6 + 2U);
  EXPECT_EQ(tokens_in(branch, "another"), guessed) << "another model counts other tokens";
}

TEST(Branch, CarriesItsLastMessagesOnFromAQuestion) {
  const std::vector<Message> branch = branch_to(tree, "a2");
  EXPECT_EQ(ids(last_of(branch, 1000)), "q1 a1 q2 a2 ");
  EXPECT_EQ(ids(last_of(branch, 24)), "q2 a2 ") << "an answer without its question is left behind";
  EXPECT_EQ(ids(last_of(branch, 8)), "");
}

}  // namespace
}  // namespace faelled::portal
