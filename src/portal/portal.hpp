// Portal: the control API under /api, and the pages. The command line reaches the same API through the owner-only
// socket. src/portal/openapi.json describes it; a test compares the two. Owned by main(); loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "base/limits.hpp"
#include "gateway/gateway.hpp"
#include "net/aside.hpp"
#include "portal/alias_keeping.hpp"
#include "portal/asking.hpp"
#include "portal/bulletin.hpp"
#include "portal/call.hpp"
#include "portal/catalogue_keeping.hpp"
#include "portal/csv.hpp"
#include "portal/decision_check.hpp"
#include "portal/turn.hpp"
#include "portal/turn_places.hpp"
#include "portal/watch.hpp"
#include "store/conversations.hpp"
#include "store/ledger.hpp"

namespace faelled::portal {

class Portal {
 public:
  struct Settings {
    Turn::Bounds turn;
    Duration checkpoint_every = 2s;  // what a kill -9 may cost of a running answer
    Duration ended_turn_kept = 5min;
    std::size_t turns_max = limits::turns_running_max;
    TurnPlaces::Bounds turn_places = {};
    Duration keep_alive_every = limits::keep_alive_every;
    Duration store_retry_every = 1s;
    std::chrono::seconds undo_max = limits::conversation_undo_max;  // a deleted conversation can come back
    Duration erase_every = limits::conversation_erase_every;
  };

  struct Parts {
    gateway::Context& context;
    gateway::Gateway& gateway;
    members::Directory& directory;
    store::StoreThread& store;
    store::Ledger& ledger;
    store::Conversations& conversations;  // used on the store's thread
    std::string public_url;               // "http://127.0.0.1:9400"
    Settings settings = {};
    front_ends::FrontEnds* front_ends = nullptr;  // nullptr: none
    ServerFacts facts = {};
    const rpc::SharesPort* shares = nullptr;  // nullptr: nobody shares anything
    DecisionCheck* check = nullptr;           // nullptr: there is no log to check
    rpc::ResidencyPort* residency = nullptr;  // nullptr: nobody plans which model lies where
    CatalogueKeeping* keeping = nullptr;      // nullptr: the catalogue does not change while the server runs
    AliasKeeping* aliases = nullptr;          // nullptr: no name moves
    std::map<std::string, std::string, std::less<>> device_names = {};  // "gpu0": what its driver calls it
  };

  explicit Portal(Parts parts);

  // At start, before the loop runs: what operators told before the restart. Errors: the store's, invalid.
  Expected<void> restore();
  // Where several servers share a database: what operators told by another one. The store's errors change nothing.
  net::Task<void> follow();

  // For metrics: the same readings that the maintenance page shows.
  Watch& watch() { return watch_; }

  // Anything that is neither /v1 nor an operator's probe: /api and the pages.
  net::Task<void> handle(const http::Request& request, http::Reply& reply);
  // Before a body is read: false where its sender may not make the call, and has been told.
  bool admit(const http::Request& head, http::Reply& reply);

  // At the server's end, after its connections: answers still being written end here, and what there is of them is
  // kept.
  net::Task<void> drain(Duration within);

  struct Route {
    http::Method method;
    std::string_view path;  // "/api/keys/{id}"
    Access access;
    net::Task<void> (Portal::*handler)(Call& call);
    // "user.create": what it is called in the audit, which then has what a handler refuses; empty: no administration.
    std::string_view action = {};
  };
  static std::span<const Route> routes();

 private:
  // session_api.cpp
  net::Task<void> sign_in(Call& call);
  net::Task<void> get_session(Call& call);
  net::Task<void> sign_out(Call& call);
  net::Task<void> description(Call& call);
  // models_api.cpp
  net::Task<void> list_models(Call& call);
  // members_api.cpp
  net::Task<void> list_members(Call& call);
  net::Task<void> create_member(Call& call);
  net::Task<void> update_member(Call& call);
  net::Task<void> get_policy(Call& call);
  net::Task<void> update_policy(Call& call);
  // agreements_api.cpp
  net::Task<void> list_agreements(Call& call);
  net::Task<void> get_agreement_history(Call& call);
  net::Task<void> sum_agreements(Call& call);
  net::Task<void> get_promise(Call& call);
  net::Task<void> plan_agreements(Call& call);
  net::Task<void> change_agreements(Call& call);
  net::Task<void> list_tiers(Call& call);
  net::Task<void> set_tier(Call& call);
  net::Task<void> remove_tier(Call& call);
  net::Task<void> carry_out(Call& call, members::AgreementWish wish, std::string plan_id);
  std::uint32_t places_there() const;
  members::AgreementFacts agreement_facts() const;
  members::PlaceScale place_scale() const;
  std::optional<std::string> whose_agreements(Call& call) const;
  // users_api.cpp
  net::Task<void> list_users(Call& call);
  net::Task<void> create_user(Call& call);
  net::Task<void> update_user(Call& call);
  net::Task<void> create_sign_in_link(Call& call);
  // keys_api.cpp
  net::Task<void> list_keys(Call& call);
  net::Task<void> create_key(Call& call);
  net::Task<void> update_key(Call& call);
  std::optional<openai::ApiError> renames_front_end(const Call& call, const std::string& name) const;
  net::Task<void> rotate_key(Call& call);
  net::Task<void> revoke_key(Call& call);
  // audit_api.cpp
  net::Task<void> get_audit(Call& call);
  // front_ends_api.cpp
  net::Task<void> list_front_ends(Call& call);
  net::Task<void> test_front_end(Call& call);
  // import_api.cpp
  net::Task<void> import_keys(Call& call);
  // status_api.cpp
  net::Task<void> get_status(Call& call);
  // maintenance_api.cpp
  net::Task<void> get_maintenance(Call& call);
  net::Task<void> update_maintenance(Call& call);
  net::Task<void> create_notice(Call& call);
  net::Task<void> update_notice(Call& call);
  net::Task<void> delete_notice(Call& call);
  net::Task<void> get_engine_log(Call& call);
  Expected<void> take_bulletin(const std::optional<store::SettingRow>& kept);
  net::Task<Expected<Bulletin>> change_bulletin(Call& call, std::string action, std::string object,
                                                std::function<Expected<Bulletin>(Bulletin)> change);
  // catalogue_api.cpp
  struct Wished {
    gateway::CatalogueModel model;
    std::string definition;
    ModelFit fit;
    bool dry_run = false;
    std::optional<std::uint64_t> version;  // the one that was seen
  };
  // A model that was added at run time, as the store has it: another server may have changed it a moment ago.
  struct Former {
    std::uint64_t version = 0;
    std::string definition;
  };
  net::Task<Expected<Former>> former_model(std::string id);
  using Definitions = std::map<std::string, std::string, std::less<>>;  // by id; empty: it was removed
  net::Task<Expected<Definitions>> definitions_of(std::vector<std::string> ids, std::optional<std::string> behind = {});
  void write_entry(json::Writer& out, const std::string& id, const Definitions& definitions) const;
  net::Task<void> list_catalogue(Call& call);
  net::Task<void> get_model(Call& call);
  net::Task<void> add_model(Call& call);
  net::Task<void> change_model(Call& call);
  net::Task<void> remove_model(Call& call);
  net::Task<void> fetch_model(Call& call);
  net::Task<std::optional<Wished>> wished_model(Call& call, bool adds);
  std::optional<openai::ApiError> against(const Wished& wished, const std::string& id, bool adds) const;
  void leave_the_pinned(ModelFit& fit, const engines::ModelSettings& model) const;
  net::Task<void> put_model(Call& call, Wished wished, bool adds);
  // aliases_api.cpp
  struct AliasWish {
    std::string model;
    bool back = false;  // to what it meant before, whatever `model` says
    std::optional<std::string> owner;
    std::optional<rpc::Lane> lane;
    std::optional<bool> listed;
    std::optional<std::uint64_t> version;  // the one that was seen
  };
  net::Task<void> list_aliases(Call& call);
  net::Task<void> put_alias(Call& call);
  net::Task<void> roll_back_alias(Call& call);
  net::Task<void> remove_alias(Call& call);
  net::Task<void> move_alias(Call& call, AliasWish wish, std::string_view action);
  std::expected<gateway::MovingAlias, openai::ApiError> moved(const std::string& name, const AliasWish& wish) const;
  // residency_api.cpp
  std::expected<std::vector<std::string>, openai::ApiError> models_in_state(std::string_view state) const;
  net::Task<void> get_residency(Call& call);
  net::Task<void> list_residency_events(Call& call);
  net::Task<void> order_residency(Call& call);
  // usage_api.cpp
  net::Task<void> get_usage(Call& call);
  net::Task<void> send_hours(Call& call, const store::UsageFilter& filter, std::optional<CsvForm> form);
  // conversations_api.cpp
  net::Task<void> list_conversations(Call& call);
  net::Task<void> create_conversation(Call& call);
  net::Task<void> get_conversation(Call& call);
  net::Task<void> change_conversation(Call& call);
  net::Task<void> delete_conversation(Call& call);
  // search_api.cpp, ratings_api.cpp
  net::Task<void> search(Call& call);
  net::Task<void> rate_answer(Call& call);
  net::Task<void> list_ratings(Call& call);
  net::Task<void> get_ticket(Call& call);
  net::Task<void> get_share(Call& call);
  net::Task<void> list_shares(Call& call);
  net::Task<void> check_shares(Call& call);
  Duration wait_max_of(std::string_view member) const;
  // what_if_api.cpp
  net::Task<void> what_if(Call& call);
  // own_data_api.cpp
  net::Task<void> list_deleted(Call& call);
  net::Task<void> restore_conversation(Call& call);
  net::Task<void> delete_everything(Call& call);
  net::Task<void> restore_everything(Call& call);
  net::Task<void> export_everything(Call& call);
  net::Task<void> erase_deleted();
  // start_turn_api.cpp
  // Why no words of this person's are kept here; nothing: they are.
  static std::optional<openai::ApiError> kept_elsewhere(const members::Session& session);
  // Errors: queue_full (this person's answers, or everybody's).
  std::expected<TurnPlaces::Place, openai::ApiError> place_for(const std::string& person, std::size_t bytes);
  net::Task<void> start_turn(Call& call);
  net::Task<void> start_loose_turn(Call& call);
  // turns_api.cpp
  net::Task<void> watch_turn(Call& call);
  net::Task<void> stop_turn(Call& call);

  Visitor visitor_of(const http::Request& request, const http::Reply& reply);
  // Answers that the visitor may not do this, and writes it down. `id`: the {id} of the path.
  void refuse(Call& call, const Route& route, const std::string& id);
  // What of an address gets into the audit.
  std::string_view object_of(std::string_view id) const;
  void audit_refusal(const Call& call, std::string_view action, std::string_view object, openai::Cause cause);
  // A model that is there and that the visitor's member and key allow. `beyond_policy`: the member's agreement does,
  // whatever its policy says.
  bool offers(const Visitor& visitor, std::string_view model) const;
  bool offers(const Visitor& visitor, const gateway::Catalogue::Asked& asked, bool beyond_policy = false) const;
  // Of its id alone: an adapter may be kept for others all the same.
  bool allows(const Visitor& visitor, std::string_view id, bool beyond_policy) const;
  // A model or adapter by its id, not by an alias.
  gateway::Catalogue::Asked asked_by_id(std::string_view id) const;
  // The list of model ids called `name`: absent, null for all, or some of those that are there.
  std::expected<std::optional<store::ModelList>, openai::ApiError> models_of(json::Fields& fields,
                                                                             std::string_view name,
                                                                             const Visitor& visitor) const;
  std::expected<json::Fields, openai::ApiError> body_of(const Call& call);
  net::Task<void> run_turn(std::shared_ptr<Turn> turn, members::Caller caller, std::string body,
                           TurnPlaces::Place place);
  // Is this person still let in? Whoever was disabled sees and is written no more.
  bool let_in(const std::string& user) const;
  void cut_off_disabled(Turn& turn) const;
  std::shared_ptr<Turn> own_turn(const Call& call) const;
  std::shared_ptr<Turn> running_turn(const std::string& conversation) const;
  const Turn* turn_of(const store::Message& message) const;
  void forget_old_turns();
  std::uint32_t context_tokens(std::string_view model) const;  // 0: not known
  store::Message new_message(std::string conversation, store::MessageRole role, WallTime now);
  void begin_turn(Call& call, const members::Session& session, store::Conversation conversation, Asked asked,
                  std::uint32_t tokens_max, TurnPlaces::Place place);

  // `job` runs on the store's thread and so may hold nothing of ours: what it needs is given to it or its own.
  template <class T>
  net::Task<Expected<T>> on_store(std::function<Expected<T>(store::Store&, store::Conversations&)> job) {
    return answer_of<Expected<T>>(
        [&store = p_.store, &conversations = p_.conversations, job = std::move(job)](auto then) {
          store.ask([&conversations, job](store::Store& s) { return job(s, conversations); },
                    std::function<void(Expected<T>)>(std::move(then)));
        });
  }

  // What a person does to all of their own: the act and its audit row, or neither. Nothing of the words.
  template <class T>
  net::Task<Expected<T>> audited(const Call& call, std::string_view action,
                                 std::function<Expected<T>(store::Store&)> job) {
    const members::Act act = call.act(p_.context.clock.wall());
    return answer_of<Expected<T>>([&audit = p_.directory.audit(), act, action, job = std::move(job)](auto then) {
      audit.template carry_out<T>(
          [&audit, act, action, job]() -> Expected<members::Deed<T>> {
            return members::Deed<T>{
                job, audit.row(act, action, {act.by.id, act.by.member}, std::string(), std::string()), {}};
          },
          std::function<void(Expected<T>)>(std::move(then)));
    });
  }

  Parts p_;
  Watch watch_;
  Bulletin bulletin_;
  json::Document document_;
  std::map<std::string, std::shared_ptr<Turn>>
      turns_;  // by id, so in order of start: running, and ended ones for a while
  TurnPlaces places_;
  std::size_t unkept_ = 0;  // turns whose answer has not its last form in the store; an erasure under way
  net::Event all_kept_;
  net::Timer eraser_;  // of deleted conversations
  bool draining_ = false;
  net::Aside aside_;  // for what would hold up the loop
};

}  // namespace faelled::portal
