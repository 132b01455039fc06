// Desk: what the handlers of every subject have at hand: who is asked and where things are kept, a call's body, which
// models its visitor may use, and the audit. Of the Portal; loop's thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/context.hpp"
#include "json/document.hpp"
#include "members/directory.hpp"
#include "portal/call.hpp"
#include "portal/catalogue_keeping.hpp"
#include "portal/unkept.hpp"
#include "store/conversations.hpp"
#include "store/store_thread.hpp"

namespace faelled::portal {

class Desk {
 public:
  // `keeping` nullptr: the catalogue does not change while the server runs.
  Desk(gateway::Context& context, members::Directory& directory, store::StoreThread& store,
       store::Conversations& conversations, const CatalogueKeeping* keeping)
      : context(context), directory(directory), store(store), conversations_(conversations), keeping_(keeping) {}

  gateway::Context& context;
  members::Directory& directory;
  store::StoreThread& store;
  // What is parsed lives until it parses again: a handler reads it before it waits for anything.
  json::Document document;
  Unkept unkept;

  // In the terms of `document`.
  std::expected<json::Fields, openai::ApiError> body_of(const Call& call);

  // `job` runs on the store's thread and so may hold nothing of ours: what it needs is given to it or its own.
  template <class T>
  net::Task<Expected<T>> on_store(std::function<Expected<T>(store::Store&, store::Conversations&)> job) {
    return answer_of<Expected<T>>([&store = store, &conversations = conversations_, job = std::move(job)](auto then) {
      store.ask([&conversations, job](store::Store& s) { return job(s, conversations); },
                std::function<void(Expected<T>)>(std::move(then)));
    });
  }

  // What a person does to all of their own: the act and its audit row, or neither. Nothing of the words.
  template <class T>
  net::Task<Expected<T>> audited(const Call& call, std::string_view action,
                                 std::function<Expected<T>(store::Store&)> job) {
    const members::Act act = call.act(context.clock.wall());
    return answer_of<Expected<T>>([&audit = directory.audit(), act, action, job = std::move(job)](auto then) {
      audit.template carry_out<T>(
          [&audit, act, action, job]() -> Expected<members::Deed<T>> {
            return members::Deed<T>{
                job, audit.row(act, action, {act.by.id, act.by.member}, std::string(), std::string()), {}};
          },
          std::function<void(Expected<T>)>(std::move(then)));
    });
  }

  // The audit row first, then the order: no act without its row. Errors: the store's; in the inner one, the order's.
  net::Task<Expected<Expected<void>>> order(const Call& call, std::string action, std::string object,
                                            std::function<Expected<void>()> order);

  // Only of those who are known: what nobody in particular tried stands in the log.
  void audit_refusal(const Call& call, std::string_view action, std::string_view object, openai::Cause cause);

  // A model that is there and that the visitor's member and key allow. `beyond_policy`: the member's agreement does,
  // whatever its policy says.
  bool offers(const Visitor& visitor, std::string_view model) const;
  bool offers(const Visitor& visitor, const gateway::Catalogue::Asked& asked, bool beyond_policy = false) const;
  // Of its id alone: it may be kept for others all the same.
  bool allows(const Visitor& visitor, std::string_view id, bool beyond_policy) const;
  // A model or adapter by its id, not by an alias.
  gateway::Catalogue::Asked asked_by_id(std::string_view id) const;
  std::uint32_t context_tokens(std::string_view model) const;  // 0: not known
  // The longest that an answer to the visitor takes from being asked for, and a minute for clocks that differ.
  Duration longest_answer(const Call& call) const;
  // The list of model ids called `name`: absent, null for all, or some of those that are there, or in the list that it
  // takes the place of.
  std::expected<std::optional<store::ModelList>, openai::ApiError> models_of(json::Fields& fields,
                                                                             std::string_view name,
                                                                             const Visitor& visitor,
                                                                             const store::ModelList& before = {}) const;

 private:
  store::Conversations& conversations_;  // used on the store's thread
  const CatalogueKeeping* keeping_;
};

}  // namespace faelled::portal
