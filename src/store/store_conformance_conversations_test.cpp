#include "store/store_conformance_testing.hpp"

namespace faelled::store {

TEST_P(StoreConformance, KeepsOneDataKeyForAMember) {
  add_people();
  EXPECT_FALSE(store().has_member_data_keys().value());
  EXPECT_EQ(store().member_data_key("aarhus").value(), std::nullopt);
  ASSERT_TRUE(store().add_member_data_key("aarhus", bytes("wrapped")));
  EXPECT_EQ(store().member_data_key("aarhus").value(), bytes("wrapped"));
  EXPECT_EQ(store().add_member_data_key("aarhus", bytes("other")).error().code, Errc::exists);
  EXPECT_TRUE(store().has_member_data_keys().value());
}

TEST_P(StoreConformance, KeepsConversationsForTheirUserAlone) {
  add_people();
  SealedConversation row{"con_1", "usr_a", "aarhus", "gemma", bytes("title"), at_second(1), at_second(1)};
  ASSERT_TRUE(store().add_conversation(row));
  EXPECT_EQ(store().conversation("usr_a", "con_1").value(), row);
  EXPECT_EQ(store().conversation("usr_o", "con_1").error().code, Errc::not_found);
  EXPECT_EQ(store().delete_conversation("usr_o", "con_1", at_second(1)).error().code, Errc::not_found);
  EXPECT_EQ(store().restore_conversation("usr_a", "con_1").error().code, Errc::not_found) << "it is not deleted";
  row.title = bytes("");
  row.leaf = "msg_9";
  row.updated_at = at_second(2);
  ASSERT_TRUE(store().update_conversation(row));
  EXPECT_EQ(store().conversation("usr_a", "con_1").value(), row);
}

TEST_P(StoreConformance, ListsConversationsNewestFirstInPages) {
  add_people();
  for (int i = 0; i < 7; ++i) {
    const WallTime when = at_second(i / 2);
    ASSERT_TRUE(
        store().add_conversation({"con_" + std::to_string(i), "usr_a", "aarhus", "gemma", bytes("t"), when, when}));
  }
  ASSERT_TRUE(store().add_conversation({"con_x", "usr_o", "odense", "gemma", bytes("t"), at_second(9), at_second(9)}));
  std::vector<std::string> seen;
  ConversationsFrom from;
  for (;;) {
    const auto page = store().conversations("usr_a", from, 3);
    ASSERT_TRUE(page);
    for (const auto& row : *page) seen.push_back(row.id);
    if (page->size() < 3) break;
    from = {ConversationsFrom::Order::changed, page->back().id, page->back().updated_at};
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"con_6", "con_5", "con_4", "con_3", "con_2", "con_1", "con_0"}));
}

TEST_P(StoreConformance, ListsConversationsFromAPlaceThatStaysAndEachOnceById) {
  constexpr auto made = ConversationsFrom::Order::made;
  add_people();
  const auto row = [](int i, WallTime updated) {
    return SealedConversation{
        "con_" + std::to_string(i), "usr_a", "aarhus", "gemma", bytes("t"), at_second(i), updated};
  };
  for (int i = 1; i <= 4; ++i) ASSERT_TRUE(store().add_conversation(row(i, at_second(i))));
  const auto ids = [&](const ConversationsFrom& from) {
    std::vector<std::string> out;
    for (const auto& one : store().conversations("usr_a", from, 2).value()) out.push_back(one.id);
    return out;
  };
  using Ids = std::vector<std::string>;
  const ConversationsFrom third{ConversationsFrom::Order::changed, "con_3", at_second(3)};
  EXPECT_EQ(ids({}), (Ids{"con_4", "con_3"}));
  EXPECT_EQ(ids({made}), (Ids{"con_4", "con_3"}));
  ASSERT_TRUE(store().update_conversation(row(3, at_second(9)))) << "between two pages";
  EXPECT_EQ(ids(third), (Ids{"con_2", "con_1"}));
  EXPECT_EQ(ids({made, "con_3"}), (Ids{"con_2", "con_1"}));
  ASSERT_TRUE(store().update_conversation(row(1, at_second(10)))) << "and one that is still to come";
  EXPECT_EQ(ids({made, "con_3"}), (Ids{"con_2", "con_1"}));
  ASSERT_TRUE(store().delete_conversation("usr_a", "con_3", at_second(11)));
  EXPECT_EQ(ids(third), Ids{"con_2"});
  EXPECT_EQ(ids({made, "con_3"}), (Ids{"con_2", "con_1"}));
}

TEST_P(StoreConformance, RemovesAMembersOldConversationsAFewAtATime) {
  add_people();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(store().add_conversation(
        {"con_" + std::to_string(i), "usr_a", "aarhus", "gemma", bytes("t"), at_second(0), at_second(i)}));
  }
  ASSERT_TRUE(store().add_conversation({"con_x", "usr_o", "odense", "gemma", bytes("t"), at_second(0), at_second(0)}));
  SealedMessage message;
  message.id = "msg_1";
  message.conversation = "con_0";
  ASSERT_TRUE(store().add_message(message));
  EXPECT_EQ(store().remove_conversations("aarhus", at_second(3), 2).value(), 2U);
  EXPECT_EQ(store().conversation("usr_a", "con_1").error().code, Errc::not_found);
  EXPECT_TRUE(store().messages("con_0")->empty());
  EXPECT_EQ(store().remove_conversations("aarhus", at_second(3), 2).value(), 1U);
  EXPECT_EQ(store().remove_conversations("aarhus", at_second(3), 2).value(), 0U);
  EXPECT_EQ(store().conversations("usr_a", {}, 10)->size(), 2U) << "what is not older stays";
  EXPECT_EQ(store().conversations("usr_o", {}, 10)->size(), 1U) << "and other members'";
}

TEST_P(StoreConformance, KeepsMessagesInOrderAndErasesThemWithTheirConversation) {
  add_people();
  ASSERT_TRUE(store().add_conversation({"con_1", "usr_a", "aarhus", "gemma", bytes("t"), at_second(1), at_second(1)}));
  SealedMessage question;
  question.id = "msg_2";  // ids do not order them
  question.conversation = "con_1";
  question.content = bytes("sealed");
  question.created_at = at_second(1);
  SealedMessage answer = question;
  answer.id = "msg_1";
  answer.role = MessageRole::assistant;
  answer.state = MessageState::running;
  answer.content = {};
  ASSERT_TRUE(store().add_message(question));
  ASSERT_TRUE(store().add_message(answer));
  EXPECT_EQ(store().messages("con_1").value(), (std::vector{question, answer}));
  answer.state = MessageState::stopped;
  answer.content = bytes("half");
  answer.request_id = "req_1";
  answer.error_message = "stopped";
  answer.error_message_da = "stoppet";
  answer.limit = MessageLimit::tokens;
  answer.input_tokens = 4'000'000'000U;
  answer.output_tokens = 7;
  answer.rating = Rating::down;
  answer.rating_reason = bytes("sealed too");
  ASSERT_TRUE(store().update_message(answer));
  EXPECT_EQ(store().messages("con_1").value(), (std::vector{question, answer}));
  ASSERT_TRUE(store().delete_conversation("usr_a", "con_1", at_second(5)));
  EXPECT_EQ(store().erase_deleted(at_second(6), 10).value(), 1U);
  EXPECT_TRUE(store().messages("con_1")->empty());
}

TEST_P(StoreConformance, ErasesWhatWasDeletedSomeAtATimeOldestFirst) {
  add_people();
  for (int i = 1; i <= 3; ++i) {
    const std::string id = "con_" + std::to_string(i);
    ASSERT_TRUE(store().add_conversation({id, "usr_a", "aarhus", "gemma", bytes("t"), at_second(1), at_second(1), ""}));
    ASSERT_TRUE(store().delete_conversation("usr_a", id, at_second(10 + i)));
  }
  EXPECT_EQ(store().erase_deleted(at_second(20), 2).value(), 2U);
  EXPECT_EQ(store().deleted_conversations("usr_a", 10)->at(0).row.id, "con_3");
  EXPECT_EQ(store().erase_deleted(at_second(20), 2).value(), 1U);
}

TEST_P(StoreConformance, LetsADeletedConversationComeBackUntilItIsErased) {
  add_people();
  const SealedConversation row{"con_1", "usr_a", "aarhus", "gemma", bytes("t"), at_second(1), at_second(1), "msg_1"};
  ASSERT_TRUE(store().add_conversation(row));
  ASSERT_TRUE(store().delete_conversation("usr_a", "con_1", at_second(10)));
  EXPECT_EQ(store().conversation("usr_a", "con_1").error().code, Errc::not_found);
  EXPECT_EQ(store().update_conversation(row).error().code, Errc::not_found);
  EXPECT_EQ(store().delete_conversation("usr_a", "con_1", at_second(11)).error().code, Errc::not_found);
  EXPECT_TRUE(store().conversations("usr_a", {}, 10)->empty());
  EXPECT_EQ(store().deleted_conversations("usr_a", 10).value(), (std::vector{DeletedConversation{row, at_second(10)}}));
  EXPECT_TRUE(store().deleted_conversations("usr_o", 10)->empty());
  EXPECT_EQ(store().restore_conversation("usr_o", "con_1").error().code, Errc::not_found);
  ASSERT_TRUE(store().restore_conversation("usr_a", "con_1"));
  EXPECT_EQ(store().conversation("usr_a", "con_1").value(), row);
  ASSERT_TRUE(store().delete_conversation("usr_a", "con_1", at_second(20)));
  EXPECT_EQ(store().erase_deleted(at_second(20), 10).value(), 0U) << "deleted before, not then";
  EXPECT_EQ(store().erase_deleted(at_second(21), 10).value(), 1U);
  EXPECT_EQ(store().restore_conversation("usr_a", "con_1").error().code, Errc::not_found);
}

TEST_P(StoreConformance, DeletesAllOfOnePersonAndRestoresWhatWentTogether) {
  add_people();
  for (const char* id : {"con_1", "con_2", "con_3"})
    ASSERT_TRUE(store().add_conversation({id, "usr_a", "aarhus", "gemma", bytes("t"), at_second(1), at_second(1)}));
  ASSERT_TRUE(store().add_conversation({"con_o", "usr_o", "odense", "gemma", bytes("t"), at_second(1), at_second(1)}));
  ASSERT_TRUE(store().delete_conversation("usr_a", "con_3", at_second(5)));
  EXPECT_EQ(store().delete_conversations("usr_a", at_second(9)).value(), 2U);
  EXPECT_TRUE(store().conversations("usr_a", {}, 10)->empty());
  EXPECT_EQ(store().conversations("usr_o", {}, 10)->size(), 1U);
  EXPECT_EQ(store().deleted_conversations("usr_a", 2)->size(), 2U) << "no more than asked for";
  EXPECT_EQ(store().restore_conversations("usr_o", at_second(9)).value(), 0U);
  EXPECT_EQ(store().restore_conversations("usr_a", at_second(9)).value(), 2U);
  EXPECT_EQ(store().deleted_conversations("usr_a", 10)->front().row.id, "con_3") << "gone before, and stays so";
}

TEST_P(StoreConformance, CountsRatingsByModelForOneMember) {
  add_people();
  ASSERT_TRUE(store().add_conversation({"con_1", "usr_a", "aarhus", "gemma", bytes("t"), at_second(1), at_second(1)}));
  ASSERT_TRUE(store().add_conversation({"con_o", "usr_o", "odense", "gemma", bytes("t"), at_second(1), at_second(1)}));
  int number = 0;
  const auto rated = [&](const std::string& conversation, const std::string& model, Rating rating) {
    SealedMessage row;
    row.id = "msg_" + std::to_string(++number);
    row.conversation = conversation;
    row.model = model;
    row.rating = rating;
    ASSERT_TRUE(store().add_message(row));
  };
  rated("con_1", "gemma", Rating::up);
  rated("con_1", "gemma", Rating::up);
  rated("con_1", "gemma", Rating::down);
  rated("con_1", "gemma", Rating::none);
  rated("con_1", "mistral", Rating::down);
  rated("con_o", "gemma", Rating::up);
  EXPECT_EQ(store().rating_sums("aarhus").value(), (std::vector<RatingSum>{{"gemma", 2, 1}, {"mistral", 0, 1}}));
  ASSERT_TRUE(store().delete_conversation("usr_a", "con_1", at_second(2)));
  EXPECT_TRUE(store().rating_sums("aarhus")->empty()) << "what is deleted counts no more";
}

TEST_P(StoreConformance, FailsMessagesThatAnEarlierRunLeftRunning) {
  add_people();
  ASSERT_TRUE(store().add_conversation({"con_1", "usr_a", "aarhus", "gemma", bytes("t"), at_second(1), at_second(1)}));
  SealedMessage answer;
  answer.id = "msg_1";
  answer.conversation = "con_1";
  answer.state = MessageState::running;
  ASSERT_TRUE(store().add_message(answer));
  EXPECT_EQ(store().fail_running_messages("stopped", "stoppet").value(), 1U);
  EXPECT_EQ(store().messages("con_1")->front().state, MessageState::failed);
  EXPECT_EQ(store().messages("con_1")->front().error_message_da, "stoppet");
  EXPECT_EQ(store().fail_running_messages("stopped", "stoppet").value(), 0U);
}

}  // namespace faelled::store
