#include "portal/model_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>

#include "base/limits.hpp"
#include "http/message.hpp"
#include "portal/paging.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;

// Of UTF-8: a continuation byte is none.
std::size_t characters_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool is_named(const gateway::CatalogueModel& model, const std::string& part) {
  const auto has = [&](const std::string& text) { return folded(text).contains(part); };
  const auto in_aliases = [&](const std::vector<gateway::Alias>& aliases) {
    return std::ranges::any_of(aliases, has, &gateway::Alias::name);
  };
  return has(model.settings.id) || has(model.settings.name) || in_aliases(model.aliases) ||
         std::ranges::any_of(model.adapters, [&](const gateway::CatalogueAdapter& adapter) {
           return has(adapter.id) || in_aliases(adapter.aliases);
         });
}

}  // namespace

bool is_searched(const ModelQuery& query, const gateway::Catalogue& catalogue, const gateway::Catalogue::Brief& model) {
  if (query.search.empty()) return true;
  if (model.has_other_names) return is_named(*catalogue.find(model.id), query.search);
  return folded(model.id).contains(query.search) || folded(model.name).contains(query.search);
}

std::expected<ModelQuery, ApiError> model_query(std::string_view query) {
  ModelQuery asked;
  const auto limit = limit_of(query, limits::models_page_rows_max, limits::models_page_rows_max);
  if (!limit) return std::unexpected(ApiError{Cause::invalid_value, limit.error().message, "limit"});
  asked.limit = *limit;
  asked.after = http::query_value(query, "after");
  asked.search = folded(http::query_value(query, "search"));
  for (const auto& [name, what, text] :
       {std::tuple("after", "after is a model's id, as next says it, and", asked.after),
        std::tuple("search", "search is a part of an id or a name, and", asked.search)})
    if (characters_of(text) > limits::name_bytes_max)
      return std::unexpected(ApiError{Cause::invalid_value,
                                      fmt::format("{} has at most {} characters", what, limits::name_bytes_max), name});
  return asked;
}

ModelPage model_page(const gateway::Catalogue& catalogue, const std::vector<std::string>& others,
                     const ModelQuery& query) {
  ModelPage page;
  std::optional<std::string> end;  // what is behind it is for the next page
  std::size_t looked_at = 0;
  catalogue.each_behind(query.after, [&](const gateway::Catalogue::Brief& model) {
    if (is_searched(query, catalogue, model)) {
      if (page.ids.size() == query.limit) {
        end = page.ids.back();
        return false;
      }
      page.ids.emplace_back(model.id);
    }
    if (++looked_at == limits::models_page_searched_max) end = model.id;
    return !end;
  });
  for (const std::string& id : others)
    if (id > query.after && (!end || id <= *end) && !catalogue.has(id) && is_searched(query, catalogue, {id, {}}))
      page.ids.push_back(id);
  std::ranges::sort(page.ids);
  if (page.ids.size() > query.limit) {
    page.ids.resize(query.limit);
    page.next = page.ids.back();
  } else if (end) {
    page.next = *end;
  }
  return page;
}

ModelPage model_page_of(const std::vector<std::string>& ids, const gateway::Catalogue& catalogue,
                        const ModelQuery& query) {
  ModelPage page;
  for (auto at = std::ranges::upper_bound(ids, query.after); at != ids.end(); ++at) {
    const gateway::CatalogueModel* model = query.search.empty() ? nullptr : catalogue.find(*at);
    if (!is_searched(query, catalogue, {*at, {}, model != nullptr})) continue;
    if (page.ids.size() == query.limit) {
      page.next = page.ids.back();
      break;
    }
    page.ids.push_back(*at);
  }
  return page;
}

}  // namespace faelled::portal
