// Catalogue: the models a client may name, from the configuration and from what operators added since. Owned by main();
// loop's thread. A model that is changed or removed lives on for those who hold it. There may be a hundred thousand of
// which a hundred are used: the others are kept packed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/text_hash.hpp"
#include "gateway/catalogue_model.hpp"
#include "gateway/packed_model.hpp"

namespace faelled::gateway {

// A name that is moved from model to model while the server runs, as a model's own aliases are not.
struct MovingAlias {
  std::string name;
  std::string model;      // what it means: a model, or an adapter of one
  std::string moving_to;  // what it will mean once that is ready; empty: it stays
  std::string previous;   // what it meant before; empty: nothing
  std::string owner;      // who must be named by whoever moves it; empty: nobody
  std::string detail;     // why it does not move, in plain words
  rpc::Lane lane = rpc::Lane::interactive;
  bool listed = true;
  std::uint64_t version = 0;  // counts acts of people, from 1
  bool operator==(const MovingAlias&) const = default;
};

class Catalogue {
 public:
  Catalogue(std::vector<CatalogueModel> models, WallTime created);
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;

  // Adds it, or takes the place of the one with its id. Errors: exists, where another model or alias has one
  // of its names, conflict, where a moving alias means an adapter that it has no more, and exhausted, at
  // limits::models_max; nothing is changed then.
  Expected<void> put(CatalogueModel model);
  Expected<void> may_put(const CatalogueModel& model) const;
  void remove(std::string_view id);

  // Adds a moving alias, or takes the place of the one of that name. Errors: exists, where a model or another alias has
  // the name, and not_found, where what it means or will is not there.
  Expected<void> point(MovingAlias alias);
  Expected<void> may_point(const MovingAlias& alias) const;
  void unpoint(std::string_view name);
  const std::map<std::string, MovingAlias, std::less<>>& moving() const { return moving_; }
  // The moving alias that means this model or one of its adapters, or will; empty: none.
  std::string pointed_at_by(std::string_view id) const;
  // The model of that id, or the one whose adapter has it; empty: it is neither.
  std::string base_of(std::string_view id) const;

  // What a client means by the id of a model or adapter or one of its aliases; `model` is nullptr for what is none, and
  // `adapter` for the model as it is. They live until the catalogue changes or rests: who waits for anything meanwhile
  // holds the model. Whether the caller may know of it is another question: see is_for().
  struct Asked {
    const CatalogueModel* model = nullptr;
    rpc::Lane lane = rpc::Lane::interactive;
    const CatalogueAdapter* adapter = nullptr;
    const std::string& id() const { return adapter != nullptr ? adapter->id : model->settings.id; }
    // For people.
    std::string title() const;
    // An adapter is for nobody whom its model is not for.
    bool is_for(std::string_view member) const;
  };
  Asked asked(std::string_view name) const;
  const CatalogueModel* find(std::string_view id) const;
  std::shared_ptr<const CatalogueModel> hold(std::string_view id) const;
  // The same for lists, which pass many: what is packed stays packed.
  std::shared_ptr<const CatalogueModel> peek(std::string_view id) const;
  bool has(std::string_view id) const { return models_.contains(id); }
  std::uint64_t version(std::string_view id) const;  // 0: none, or it stands in the configuration
  // All of them, in order, that is those of the configuration as it has them, then those that were added, by id: find()
  // would leave each unpacked.
  void each(const std::function<void(const CatalogueModel&)>& told) const;
  // Packs those again that were unpacked.
  void rest() { open_.clear(); }

  // A model, without unpacking it.
  struct Brief {
    std::string_view id;
    std::string_view name;         // empty: it has none but its id
    bool has_other_names = false;  // aliases or adapters
    bool for_some = false;         // it is for some members alone
  };
  Brief brief(std::string_view id) const;  // of one that is not there: its id alone
  using Went = std::function<bool(const Brief& model)>;
  // Those behind this id, until `went` says false; an empty one: from the first. The id need not be there any more. By
  // id, or in order. It costs what is told, however large the catalogue is.
  void each_behind(std::string_view id, const Went& went) const;
  void each_in_order_behind(std::string_view id, const Went& went) const;

  std::vector<std::string_view> names() const;  // of the models, in order
  std::size_t size() const { return models_.size(); }
  std::uint64_t places() const;  // of all of them together
  // What clients are shown: behind each model its adapters and aliases, then the aliases that move. `id`: what the name
  // means; `asked`: the same, while it is told, but for a model that is everybody's and has one name, which stays
  // packed.
  using Listed = std::function<void(std::string_view name, std::string_view id, const Asked* asked)>;
  void each_listed(const Listed& told) const;
  std::vector<std::string> listed() const;
  std::vector<std::string> all_ids() const;  // of models and adapters
  WallTime created() const { return created_; }

 private:
  struct Meaning {
    std::string model;  // of one that moves: what it means, which may be an adapter
    rpc::Lane lane;
    std::optional<std::size_t> adapter;  // its number
  };

  void forget_names_of(std::string_view id);
  std::optional<Meaning> meaning_of(std::string_view id) const;
  std::string missed_by(const CatalogueModel& model) const;

  static Brief brief(const PackedModel& model) {
    return {model.id(), model.name(), model.has_other_names(), model.for_some()};
  }
  template <class Told>
  void each_packed(const Told& told) const {
    for (const std::string& id : configured_) told(*models_.find(id));
    for (const std::string_view id : by_id_)
      if (const PackedModel& model = *models_.find(id); model.version() > 0) told(model);
  }

  struct ById {
    using is_transparent = void;
    std::size_t operator()(const PackedModel& model) const { return TextHash()(model.id()); }
    std::size_t operator()(std::string_view id) const { return TextHash()(id); }
    bool operator()(const PackedModel& a, const PackedModel& b) const { return a.id() == b.id(); }
    bool operator()(std::string_view id, const PackedModel& model) const { return id == model.id(); }
    bool operator()(const PackedModel& model, std::string_view id) const { return id == model.id(); }
  };

  // Each request asks for one, and only lists go through them in order.
  std::unordered_set<PackedModel, ById, ById> models_;
  std::vector<std::string_view> by_id_;  // of models_, sorted: they mostly come in order, and a tree costs thrice that
  mutable std::unordered_map<std::string, std::shared_ptr<const CatalogueModel>, TextHash, std::equal_to<>> open_;
  std::vector<std::string> programs_;
  std::map<std::string, Meaning, std::less<>> aliases_;  // and adapters, and those that move
  std::map<std::string, MovingAlias, std::less<>> moving_;
  std::vector<std::string> configured_;  // in the configuration's order
  WallTime created_;
};

}  // namespace faelled::gateway
