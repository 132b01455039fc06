// Catalogue: the models a client may name. In this form it comes from the configuration and does not change.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "engines/model_settings.hpp"

namespace faelled::gateway {

// What a person reads about a model, in one language.
struct CardText {
  std::string summary;
  std::string good_for;
  std::string where;
};

struct CatalogueModel {
  engines::ModelSettings settings;
  bool has_card = false;
  CardText da;
  CardText en;
};

class Catalogue {
 public:
  Catalogue(std::vector<CatalogueModel> models, WallTime created) : created_(created) {
    for (CatalogueModel& model : models) {
      names_.push_back(model.settings.id);
      models_.emplace(model.settings.id, std::move(model));
    }
  }
  const CatalogueModel* find(std::string_view id) const {
    const auto found = models_.find(id);
    return found == models_.end() ? nullptr : &found->second;
  }
  const std::vector<std::string>& names() const { return names_; }  // in the configuration's order
  WallTime created() const { return created_; }

 private:
  std::map<std::string, CatalogueModel, std::less<>> models_;
  std::vector<std::string> names_;
  WallTime created_;
};

}  // namespace faelled::gateway
