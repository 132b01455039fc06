#include "portal/model_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

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

}  // namespace

ModelSearch::ModelSearch(std::string part, const gateway::Catalogue& catalogue, Sees sees)
    : part_(std::move(part)), catalogue_(catalogue), sees_(std::move(sees)) {
  if (part_.empty()) return;
  for (const auto& [name, alias] : catalogue_.moving()) {
    if (!has(name)) continue;
    const auto asked = catalogue_.asked(name);
    if (asked.model != nullptr && sees_(asked)) moved_to_.insert(asked.model->settings.id);
  }
}

bool ModelSearch::has(std::string_view text) const { return folded(text).contains(part_); }

bool ModelSearch::finds(const gateway::Catalogue::Brief& model) const {
  if (part_.empty() || has(model.id) || has(model.name) || moved_to_.contains(model.id)) return true;
  return model.has_other_names && finds_further_name(*catalogue_.peek(model.id));
}

bool ModelSearch::finds_further_name(const gateway::CatalogueModel& model) const {
  const auto in = [this](const std::vector<gateway::Alias>& aliases) {
    return std::ranges::any_of(aliases, [this](const gateway::Alias& alias) { return has(alias.name); });
  };
  return (in(model.aliases) && sees_({&model})) ||
         std::ranges::any_of(model.adapters, [&](const gateway::CatalogueAdapter& adapter) {
           return (has(adapter.id) || in(adapter.aliases)) && sees_({&model, rpc::Lane::interactive, &adapter});
         });
}

std::optional<ApiError> too_long(std::string_view param, std::string_view what, std::string_view text) {
  if (characters_of(text) <= limits::name_bytes_max) return std::nullopt;
  return ApiError{Cause::invalid_value, fmt::format("{} has at most {} characters", what, limits::name_bytes_max),
                  std::string(param)};
}

std::expected<ModelQuery, ApiError> model_query(std::string_view query) {
  ModelQuery asked;
  const auto limit = limit_of(query, limits::models_page_rows_max, limits::models_page_rows_max);
  if (!limit) return std::unexpected(ApiError{Cause::invalid_value, limit.error().message, "limit"});
  asked.limit = *limit;
  asked.after = http::query_value(query, "after");
  asked.search = folded(http::query_value(query, "search"));
  if (auto wrong = too_long("after", "after is a model's id, as next says it, and", asked.after))
    return std::unexpected(*std::move(wrong));
  if (auto wrong = too_long("search", "search is a part of an id or a name, and", asked.search))
    return std::unexpected(*std::move(wrong));
  return asked;
}

ModelPage model_page(const gateway::Catalogue& catalogue, const std::vector<std::string>& others,
                     const ModelQuery& query) {
  ModelPage page;
  std::optional<std::string> end;  // what is behind it is for the next page
  std::size_t looked_at = 0;
  const ModelSearch search(query.search, catalogue);
  catalogue.each_behind(query.after, [&](const gateway::Catalogue::Brief& model) {
    if (search.finds(model)) {
      if (page.ids.size() == query.limit) {
        end = page.ids.back();
        return false;
      }
      page.ids.emplace_back(model.id);
    }
    looked_at += ModelSearch::effort_of(model);
    if (looked_at >= limits::models_page_searched_max) end = model.id;
    return !end;
  });
  for (const std::string& id : others)
    if (id > query.after && (!end || id <= *end) && !catalogue.has(id) && search.finds({id, {}}))
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
  const ModelSearch search(query.search, catalogue);
  for (auto at = std::ranges::upper_bound(ids, query.after); at != ids.end(); ++at) {
    if (!search.finds(catalogue.brief(*at))) continue;
    if (page.ids.size() == query.limit) {
      page.next = page.ids.back();
      break;
    }
    page.ids.push_back(*at);
  }
  return page;
}

}  // namespace faelled::portal
