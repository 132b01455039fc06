// Catalogue: the models a client may name, from the configuration and from what operators added since. Owned by main();
// loop's thread. A model that is changed or removed lives on for those who hold it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "engines/model_settings.hpp"
#include "rpc/messages.hpp"

namespace faelled::gateway {

// What a person reads about a model, in one language.
struct CardText {
  std::string summary;
  std::string good_for;
  std::string where;
  bool operator==(const CardText&) const = default;
};

// Another name for a model; what is asked for by it may take a lane of its own.
struct Alias {
  std::string name;
  rpc::Lane lane = rpc::Lane::interactive;
  bool listed = true;
  bool operator==(const Alias&) const = default;
};

// A name that is moved from model to model while the server runs, as a model's own aliases are not.
struct MovingAlias {
  std::string name;
  std::string model;      // what it means
  std::string moving_to;  // what it will mean once that is ready; empty: it stays
  std::string previous;   // what it meant before; empty: nothing
  std::string owner;      // who must be named by whoever moves it; empty: nobody
  std::string detail;     // why it does not move, in plain words
  rpc::Lane lane = rpc::Lane::interactive;
  bool listed = true;
  std::uint64_t version = 0;  // counts acts of people, from 1
  bool operator==(const MovingAlias&) const = default;
};

// A LoRA of a model, asked for as a model of its own. The engine's part of it has the same number in
// ModelSettings::adapters.
struct CatalogueAdapter {
  std::string id;                    // "base:name"
  std::string name;                  // as the engine's part has it
  std::vector<std::string> members;  // who may use it, and learn that it is there; empty: everybody
  std::vector<Alias> aliases = {};
  bool has_card = false;
  CardText da;
  CardText en;
  bool is_for(std::string_view member) const;
  bool operator==(const CatalogueAdapter&) const = default;
};

struct CatalogueModel {
  engines::ModelSettings settings;
  std::vector<CatalogueAdapter> adapters = {};
  std::vector<Alias> aliases = {};
  bool has_card = false;
  CardText da;
  CardText en;
  std::uint64_t version = 0;  // counts its changes at run time, from 1; 0: it stands in the configuration
  bool operator==(const CatalogueModel&) const = default;
};

class Catalogue {
 public:
  Catalogue(std::vector<CatalogueModel> models, WallTime created);
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;

  // Adds it at the end, or takes the place of the one with its id. Errors: exists, where another model or alias has one
  // of its names, and exhausted, at limits::models_max; nothing is changed then.
  Expected<void> put(CatalogueModel model);
  Expected<void> may_put(const CatalogueModel& model) const;
  void remove(std::string_view id);

  // Adds a moving alias, or takes the place of the one of that name. Errors: exists, where a model or another alias has
  // the name, and not_found, where one of its models is not there.
  Expected<void> point(MovingAlias alias);
  Expected<void> may_point(const MovingAlias& alias) const;
  void unpoint(std::string_view name);
  const std::map<std::string, MovingAlias, std::less<>>& moving() const { return moving_; }
  // The moving alias that means this model or will; empty: none.
  std::string pointed_at_by(std::string_view id) const;

  // What a client means by the id of a model or adapter or one of its aliases; `model` is nullptr for what is none, and
  // `adapter` for the model as it is. They live until the catalogue changes: who waits for anything meanwhile holds
  // the model. Whether the caller may know of it is another question: see CatalogueAdapter::is_for.
  struct Asked {
    const CatalogueModel* model = nullptr;
    rpc::Lane lane = rpc::Lane::interactive;
    const CatalogueAdapter* adapter = nullptr;
    const std::string& id() const { return adapter != nullptr ? adapter->id : model->settings.id; }
    // For people.
    std::string title() const;
    bool is_for(std::string_view member) const { return adapter == nullptr || adapter->is_for(member); }
  };
  Asked asked(std::string_view name) const;
  const CatalogueModel* find(std::string_view id) const;
  std::shared_ptr<const CatalogueModel> hold(std::string_view id) const;

  const std::vector<std::string>& names() const { return names_; }  // of the models, in order
  std::vector<std::string> listed()
      const;  // behind each its adapters and the aliases that clients are shown, then those that move
  std::vector<std::string> all_ids() const;  // of models and adapters
  WallTime created() const { return created_; }

 private:
  struct Meaning {
    std::string model;
    rpc::Lane lane;
    std::optional<std::size_t> adapter;  // its number
  };

  void forget_names_of(std::string_view id);

  std::map<std::string, std::shared_ptr<const CatalogueModel>, std::less<>> models_;
  std::map<std::string, Meaning, std::less<>> aliases_;  // and adapters, and those that move
  std::map<std::string, MovingAlias, std::less<>> moving_;
  std::vector<std::string> names_;
  WallTime created_;
};

}  // namespace faelled::gateway
