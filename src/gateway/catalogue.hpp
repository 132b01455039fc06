// Catalogue: the models a client may name. In this form it comes from the configuration and does not change.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "engines/model_settings.hpp"
#include "rpc/messages.hpp"

namespace faelled::gateway {

// What a person reads about a model, in one language.
struct CardText {
  std::string summary;
  std::string good_for;
  std::string where;
};

// Another name for a model; what is asked for by it may take a lane of its own.
struct Alias {
  std::string name;
  rpc::Lane lane = rpc::Lane::interactive;
  bool listed = true;
};

struct CatalogueModel {
  engines::ModelSettings settings;
  std::vector<Alias> aliases = {};
  bool has_card = false;
  CardText da;
  CardText en;
};

class Catalogue {
 public:
  Catalogue(std::vector<CatalogueModel> models, WallTime created) : created_(created) {
    for (CatalogueModel& model : models) {
      names_.push_back(model.settings.id);
      listed_.push_back(model.settings.id);
      const auto [at, fresh] = models_.emplace(model.settings.id, std::move(model));
      for (const Alias& alias : at->second.aliases) {
        aliases_.emplace(alias.name, Asked{&at->second, alias.lane});
        if (alias.listed) listed_.push_back(alias.name);
      }
    }
  }
  Catalogue(const Catalogue&) = delete;  // the aliases point into the map
  Catalogue& operator=(const Catalogue&) = delete;

  // What a client means by a model's id or one of its aliases; `model` is nullptr for what is neither.
  struct Asked {
    const CatalogueModel* model = nullptr;
    rpc::Lane lane = rpc::Lane::interactive;
  };
  Asked asked(std::string_view name) const {
    if (const CatalogueModel* model = find(name)) return {model, rpc::Lane::interactive};
    const auto alias = aliases_.find(name);
    return alias == aliases_.end() ? Asked{} : alias->second;
  }
  const CatalogueModel* find(std::string_view id) const {
    const auto found = models_.find(id);
    return found == models_.end() ? nullptr : &found->second;
  }
  const std::vector<std::string>& names() const { return names_; }    // of the models, in the configuration's order
  const std::vector<std::string>& listed() const { return listed_; }  // and the aliases that clients are shown
  WallTime created() const { return created_; }

 private:
  std::map<std::string, CatalogueModel, std::less<>> models_;
  std::map<std::string, Asked, std::less<>> aliases_;
  std::vector<std::string> names_;
  std::vector<std::string> listed_;
  WallTime created_;
};

}  // namespace faelled::gateway
