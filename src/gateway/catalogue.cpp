#include "gateway/catalogue.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/limits.hpp"

namespace faelled::gateway {

namespace {

template <class Each>
void for_other_names(const CatalogueModel& model, const Each& each) {
  for (const Alias& alias : model.aliases) each(alias.name, alias.lane, std::optional<std::size_t>());
  for (std::size_t i = 0; i < model.adapters.size(); ++i) {
    each(model.adapters[i].id, rpc::Lane::interactive, std::optional(i));
    for (const Alias& alias : model.adapters[i].aliases) each(alias.name, alias.lane, std::optional(i));
  }
}

}  // namespace

bool is_for(const std::vector<std::string>& members, std::string_view member) {
  return members.empty() || std::ranges::find(members, member) != members.end();
}

bool Catalogue::Asked::is_for(std::string_view member) const {
  return gateway::is_for(model->members, member) && (adapter == nullptr || gateway::is_for(adapter->members, member));
}

std::string Catalogue::Asked::title() const {
  const std::string& name = model->settings.name.empty() ? model->settings.id : model->settings.name;
  return adapter == nullptr ? name : name + ": " + adapter->name;
}

Catalogue::Catalogue(std::vector<CatalogueModel> models, WallTime created) : created_(created) {
  for (CatalogueModel& model : models) {
    const auto taken = put(std::move(model));
    FAELLED_CHECK(taken.has_value(), "the configuration gives every name once");
  }
}

Expected<void> Catalogue::may_put(const CatalogueModel& model) const {
  const std::string& id = model.settings.id;
  const auto means_another = [&](const std::string& name) {
    const auto alias = aliases_.find(name);
    if (alias != aliases_.end()) return alias->second.model != id || moving_.contains(name);
    return name != id && models_.contains(name);
  };
  if (aliases_.contains(id))
    return fail(Errc::exists, "'" + id + "' is an alias or an adapter already", "choose another id");
  std::vector<std::string_view> names{id};
  std::string taken;
  for_other_names(model, [&](const std::string& name, rpc::Lane, std::optional<std::size_t>) {
    if (means_another(name) || std::ranges::find(names, name) != names.end()) taken = name;
    names.push_back(name);
  });
  if (!taken.empty()) return fail(Errc::exists, "'" + taken + "' means another model already", "choose another name");
  if (const std::string alias = missed_by(model); !alias.empty())
    return fail(Errc::conflict, "the alias '" + alias + "' means an adapter that it would not have any more",
                "move the alias first");
  if (models_.size() >= limits::models_max && !has(id))
    return fail(Errc::exhausted, "the catalogue is full: it has " + std::to_string(models_.size()) + " models",
                "remove some that nobody asks for");
  return {};
}

void Catalogue::forget_names_of(std::string_view id) {
  const auto found = models_.find(id);
  if (found == models_.end() || !found->has_other_names()) return;
  for_other_names(found->unpacked(programs_),
                  [&](const std::string& name, rpc::Lane, std::optional<std::size_t>) { aliases_.erase(name); });
}

Expected<void> Catalogue::put(CatalogueModel model) {
  if (auto free = may_put(model); !free) return free;
  const std::string& id = model.settings.id;
  forget_names_of(id);
  for_other_names(model, [&](const std::string& name, rpc::Lane lane, std::optional<std::size_t> adapter) {
    aliases_.emplace(name, Meaning{id, lane, adapter});
  });
  const auto before = models_.find(id);
  const bool stood = before != models_.end() && before->version() == 0;
  auto place = std::ranges::lower_bound(by_id_, id);
  if (before == models_.end()) {
    place = by_id_.insert(place, std::string_view());
  } else {
    models_.erase(before);
  }
  *place = models_.emplace(model, programs_).first->id();
  if (stood && model.version > 0) std::erase(configured_, id);
  if (!stood && model.version == 0) configured_.push_back(id);
  open_.erase(id);
  return {};
}

// What a moving alias may mean: a model or an adapter, by its id.
std::optional<Catalogue::Meaning> Catalogue::meaning_of(std::string_view id) const {
  if (models_.contains(id)) return Meaning{std::string(id), {}, {}};
  const auto found = aliases_.find(id);
  if (found == aliases_.end() || !found->second.adapter) return std::nullopt;
  const auto model = peek(found->second.model);
  if (model == nullptr || model->adapters[*found->second.adapter].id != id) return std::nullopt;
  return found->second;
}

// The moving alias that means an adapter which the model has and this definition of it has not; empty: none.
std::string Catalogue::missed_by(const CatalogueModel& model) const {
  for (const auto& [name, alias] : moving_)
    for (const std::string& target : {alias.model, alias.moving_to}) {
      const auto means = meaning_of(target);
      if (means && means->adapter && means->model == model.settings.id &&
          std::ranges::find(model.adapters, target, &CatalogueAdapter::id) == model.adapters.end())
        return name;
    }
  return {};
}

std::string Catalogue::base_of(std::string_view id) const {
  auto means = meaning_of(id);
  return means ? std::move(means->model) : std::string();
}

void Catalogue::remove(std::string_view id) {
  const auto found = models_.find(id);
  if (found == models_.end()) return;
  forget_names_of(id);
  if (found->version() == 0) std::erase(configured_, id);
  if (const auto open = open_.find(id); open != open_.end()) open_.erase(open);
  by_id_.erase(std::ranges::lower_bound(by_id_, id));
  models_.erase(found);
}

Expected<void> Catalogue::may_point(const MovingAlias& alias) const {
  if (models_.contains(alias.name) || (aliases_.contains(alias.name) && !moving_.contains(alias.name)))
    return fail(Errc::exists, "'" + alias.name + "' is a model or a fixed alias of one", "choose another name");
  for (const std::string& model : {alias.model, alias.moving_to})
    if (!model.empty() && !meaning_of(model))
      return fail(Errc::not_found, "there is no model or adapter '" + model + "'");
  return {};
}

Expected<void> Catalogue::point(MovingAlias alias) {
  if (auto may = may_point(alias); !may) return may;
  aliases_.insert_or_assign(alias.name, Meaning{alias.model, alias.lane, {}});
  const std::string name = alias.name;
  moving_.insert_or_assign(name, std::move(alias));
  return {};
}

void Catalogue::unpoint(std::string_view name) {
  const auto found = moving_.find(name);
  if (found == moving_.end()) return;
  aliases_.erase(found->first);
  moving_.erase(found);
}

std::string Catalogue::pointed_at_by(std::string_view id) const {
  for (const auto& [name, alias] : moving_)
    if (base_of(alias.model) == id || base_of(alias.moving_to) == id) return name;
  return {};
}

void Catalogue::each_listed(const Listed& told) const {
  const auto tell = [&told](std::string_view id, const std::vector<Alias>& aliases, const Asked& asked) {
    told(id, id, &asked);
    for (const Alias& alias : aliases)
      if (alias.listed) told(alias.name, id, &asked);
  };
  each_packed([&](const PackedModel& packed) {
    if (!packed.has_other_names() && !packed.for_some()) return told(packed.id(), packed.id(), nullptr);
    const CatalogueModel model = packed.unpacked(programs_);
    tell(packed.id(), model.aliases, {&model});
    for (const CatalogueAdapter& adapter : model.adapters)
      tell(adapter.id, adapter.aliases, {&model, rpc::Lane::interactive, &adapter});
  });
  for (const auto& [name, alias] : moving_) {
    const Asked means = asked(name);
    if (alias.listed) told(name, alias.model, means.model == nullptr ? nullptr : &means);
  }
}

std::vector<std::string> Catalogue::listed() const {
  std::vector<std::string> all;
  each_listed([&](std::string_view name, std::string_view, const Asked*) { all.emplace_back(name); });
  return all;
}

std::vector<std::string> Catalogue::all_ids() const {
  std::vector<std::string> all;
  each_packed([&](const PackedModel& packed) {
    all.emplace_back(packed.id());
    if (!packed.has_other_names()) return;
    for (const CatalogueAdapter& adapter : packed.unpacked(programs_).adapters) all.push_back(adapter.id);
  });
  return all;
}

Catalogue::Asked Catalogue::asked(std::string_view name) const {
  if (const CatalogueModel* model = find(name)) return {model, rpc::Lane::interactive};
  const auto found = aliases_.find(name);
  if (found == aliases_.end()) return {};
  if (moving_.contains(name)) {
    Asked means = asked(found->second.model);
    means.lane = found->second.lane;
    return means;
  }
  const CatalogueModel* model = find(found->second.model);
  const auto adapter = found->second.adapter;
  return {model, found->second.lane, adapter ? &model->adapters[*adapter] : nullptr};
}

const CatalogueModel* Catalogue::find(std::string_view id) const { return hold(id).get(); }

std::shared_ptr<const CatalogueModel> Catalogue::hold(std::string_view id) const {
  if (const auto open = open_.find(id); open != open_.end()) return open->second;
  auto model = peek(id);
  if (model != nullptr) open_.emplace(id, model);
  return model;
}

std::shared_ptr<const CatalogueModel> Catalogue::peek(std::string_view id) const {
  if (const auto open = open_.find(id); open != open_.end()) return open->second;
  const auto found = models_.find(id);
  return found == models_.end() ? nullptr : std::make_shared<const CatalogueModel>(found->unpacked(programs_));
}

std::uint64_t Catalogue::version(std::string_view id) const {
  const auto found = models_.find(id);
  return found == models_.end() ? 0 : found->version();
}

void Catalogue::each(const std::function<void(const CatalogueModel&)>& told) const {
  each_packed([&](const PackedModel& packed) { told(packed.unpacked(programs_)); });
}

std::vector<std::string_view> Catalogue::names() const {
  std::vector<std::string_view> all;
  all.reserve(models_.size());
  each_packed([&](const PackedModel& packed) { all.push_back(packed.id()); });
  return all;
}

Catalogue::Brief Catalogue::brief(std::string_view id) const {
  const auto found = models_.find(id);
  return found == models_.end() ? Brief{id, {}} : brief(*found);
}

void Catalogue::each_behind(std::string_view id, const Went& went) const {
  for (auto at = std::ranges::upper_bound(by_id_, id); at != by_id_.end(); ++at)
    if (!went(brief(*models_.find(*at)))) return;
}

void Catalogue::each_in_order_behind(std::string_view id, const Went& went) const {
  const auto stands = std::ranges::find(configured_, id);
  const bool is_added = !id.empty() && stands == configured_.end();
  auto next = stands == configured_.end() ? configured_.begin() : stands + 1;
  if (is_added) next = configured_.end();
  for (; next != configured_.end(); ++next)
    if (!went(brief(*models_.find(*next)))) return;
  for (auto at = is_added ? std::ranges::upper_bound(by_id_, id) : by_id_.begin(); at != by_id_.end(); ++at)
    if (const PackedModel& model = *models_.find(*at); model.version() > 0 && !went(brief(model))) return;
}

std::uint64_t Catalogue::places() const {
  std::uint64_t all = 0;
  for (const PackedModel& model : models_) all += model.places();
  return all;
}

}  // namespace faelled::gateway
