// ModelPage: which models one answer of a list shows, by id, so that it costs what it shows and not what the catalogue
// has. It begins behind an id, which need not be there any more: whoever pages through meets each model that is there
// all the time once, whatever comes and goes meanwhile. Pure.
#pragma once

#include <cstddef>
#include <expected>
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

struct ModelPage {
  std::vector<std::string> ids;
  std::string next;  // give it as `after`; empty: the last page
};

// Whether the query searches for it.
bool is_searched(const ModelQuery& query, const gateway::Catalogue& catalogue, const gateway::Catalogue::Brief& model);

// Of the catalogue, and of those of `others` (by id) that have left it. After many that are not searched for it ends
// early, and may be empty though there is a next one.
ModelPage model_page(const gateway::Catalogue& catalogue, const std::vector<std::string>& others,
                     const ModelQuery& query);
// Of `ids` alone, which are sorted.
ModelPage model_page_of(const std::vector<std::string>& ids, const gateway::Catalogue& catalogue,
                        const ModelQuery& query);

}  // namespace faelled::portal
