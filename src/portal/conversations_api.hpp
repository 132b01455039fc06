// A person's conversations, the search in them, and what they think of answers. Of the Portal; loop's thread.
#pragma once

#include "portal/desk.hpp"
#include "portal/turns.hpp"

namespace faelled::portal {

class ConversationsApi {
 public:
  ConversationsApi(Desk& desk, const Turns& turns) : desk_(desk), turns_(turns) {}

  net::Task<void> list_conversations(Call& call);
  net::Task<void> create_conversation(Call& call);
  net::Task<void> get_conversation(Call& call);
  net::Task<void> change_conversation(Call& call);
  net::Task<void> delete_conversation(Call& call);
  // search_api.cpp
  net::Task<void> search(Call& call);
  // ratings_api.cpp
  net::Task<void> rate_answer(Call& call);
  net::Task<void> list_ratings(Call& call);

 private:
  Desk& desk_;
  const Turns& turns_;
};

}  // namespace faelled::portal
