// ModelPage: which models one answer of a list shows, by id, so that it costs what it shows and not what the catalogue
// has. It begins behind an id, which need not be there any more: whoever pages through meets each model that is there
// all the time once, whatever comes and goes meanwhile. Pure.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/catalogue.hpp"
#include "openai/api_error.hpp"

namespace faelled::portal {

struct ModelQuery {
  std::string after;   // empty: from the first
  std::string search;  // a part of an id, a name, an alias or an adapter's id, in small letters; empty: all
  std::size_t limit = 0;
};

// The query's `after`, `search` and `limit`; of the last limits::models_page_rows_max where it says none.
std::expected<ModelQuery, openai::ApiError> model_query(std::string_view query);
// nullopt: it is no longer than a name may be.
std::optional<openai::ApiError> too_long(std::string_view param, std::string_view what, std::string_view text);

struct ModelPage {
  std::vector<std::string> ids;
  std::string next;  // give it as `after`; empty: the last page
};

// ModelSearch: whether a part of a name finds a model, for whoever looks: by what is kept from them nothing is found.
class ModelSearch {
 public:
  // Whether somebody may know of a model or adapter.
  using Sees = std::function<bool(const gateway::Catalogue::Asked& asked)>;
  static bool everything(const gateway::Catalogue::Asked&) { return true; }

  // `part`: in small letters; empty: it finds all. While it stands the catalogue does not change.
  ModelSearch(std::string part, const gateway::Catalogue& catalogue, Sees sees = everything);
  bool finds(const gateway::Catalogue::Brief& model) const;
  // What a look at it counts against limits::models_page_searched_max: one with further names is unpacked for it.
  static constexpr std::size_t unpacking = 10;
  static std::size_t effort_of(const gateway::Catalogue::Brief& model) { return model.has_other_names ? unpacking : 1; }

 private:
  bool has(std::string_view text) const;
  bool finds_further_name(const gateway::CatalogueModel& model) const;

  std::string part_;
  const gateway::Catalogue& catalogue_;
  Sees sees_;
  std::set<std::string, std::less<>> moved_to_;  // what the moving aliases that are found mean
};

// Of the catalogue, and of those of `others` (by id) that have left it. After many that are not searched for it ends
// early, and may be empty though there is a next one.
ModelPage model_page(const gateway::Catalogue& catalogue, const std::vector<std::string>& others,
                     const ModelQuery& query);
// Of `ids` alone, which are sorted.
ModelPage model_page_of(const std::vector<std::string>& ids, const gateway::Catalogue& catalogue,
                        const ModelQuery& query);

}  // namespace faelled::portal
