// Portal: the control API under /api, and the pages. The command line reaches the same API through the owner-only
// socket. src/portal/openapi.json describes it; a test compares the two. Owned by main(); loop's thread.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include "base/limits.hpp"
#include "gateway/gateway.hpp"
#include "portal/alias_keeping.hpp"
#include "portal/call.hpp"
#include "portal/catalogue_keeping.hpp"
#include "portal/decision_check.hpp"
#include "portal/own_data_api.hpp"
#include "portal/turns.hpp"
#include "portal/watch.hpp"
#include "store/conversations.hpp"
#include "store/ledger.hpp"

namespace faelled::portal {

struct Subjects;

class Portal {
 public:
  struct Settings {
    Turns::Settings turns = {};
    OwnDataApi::Settings own_data = {};
    Duration keep_alive_every = limits::keep_alive_every;
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
    std::map<std::string, std::string, std::less<>> device_names = {};  // "gpu0": what people call it
  };

  explicit Portal(Parts parts);
  ~Portal();

  // At start, before the loop runs: what operators told before the restart. Errors: the store's, invalid.
  Expected<void> restore();
  // Where several servers share a database: what operators told by another one. The store's errors change nothing.
  net::Task<void> follow();

  // For metrics: the same readings that the maintenance page shows.
  Watch& watch();

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
    net::Task<void> (*handler)(Subjects& subjects, Call& call);
    // "user.create": what it is called in the audit, which then has what a handler refuses; empty: no administration.
    std::string_view action = {};
  };
  static std::span<const Route> routes();

 private:
  Call call_of(const http::Request& request, http::Reply& reply);
  // Answers that the visitor may not do this, and writes it down. `id`: the {id} of the path.
  void refuse(Call& call, const Route& route, const std::string& id);
  // What of an address gets into the audit.
  std::string_view object_of(std::string_view id) const;

  std::unique_ptr<Subjects> subjects_;
};

}  // namespace faelled::portal
