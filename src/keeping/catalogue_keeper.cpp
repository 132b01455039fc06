#include "keeping/catalogue_keeper.hpp"

#include <unistd.h>

#include <algorithm>
#include <ranges>

#include "base/error_words.hpp"
#include "base/limits.hpp"
#include "engines/memory_need.hpp"
#include "keeping/configured_models.hpp"
#include "keeping/model_look.hpp"
#include "keeping/model_need.hpp"
#include "portal/catalogue_words.hpp"

namespace faelled::keeping {
namespace {

// Of so many models all are in the metrics; of more only those that are or were in use, or cannot be.
constexpr std::size_t shown_always = 100;
constexpr std::size_t failed_shown_max = 1000;

struct ShownState {
  rpc::EngineState state;
  const char* gauge;
  const char* help;
};
constexpr ShownState shown_states[] = {
    {rpc::EngineState::ready, "faelled_model_ready", "1 while the model is in memory and answers at once"},
    {rpc::EngineState::asleep, "faelled_model_asleep",
     "1 while the model's engine lives and has left or forgotten its weights"},
    {rpc::EngineState::failed, "faelled_model_failed", "1 while the model cannot be served, however long one waits"}};

}  // namespace

CatalogueKeeper::CatalogueKeeper(Parts parts) : p_(parts) {
  p_.downloads.on_arrival(
      [this](const engines::ModelSettings& model, const engines::MemoryNeed& need) { arrived(model, need); });
  p_.downloads.on_removal([this](const std::set<std::string>& files) {
    std::vector<DownloadsKeeper::Claim> all;
    const auto look_at = [&](const engines::ModelSettings& settings, bool former) {
      if (files.contains(fetched_path(settings))) all.push_back({settings, former});
    };
    p_.catalogue.each([&](const gateway::CatalogueModel& model) { look_at(model.settings, false); });
    for (const auto& [id, served] : former_) look_at(served, true);
    return all;
  });
  p_.catalogue.each([this](const gateway::CatalogueModel& model) {
    if (is_away(model.settings)) p_.downloads.want(model.settings, true);
  });
  std::vector<observe::Metrics::Named> gauges;
  for (const ShownState& shown : shown_states) gauges.push_back({shown.gauge, shown.help});
  p_.metrics.series(std::move(gauges), [this] { return states(); });
}

std::vector<observe::Metrics::Shown> CatalogueKeeper::states() {
  for (std::string& id : p_.mesh.with_engines()) used_.insert(std::move(id));
  std::set<std::string> all = used_;
  for (std::string& id : p_.mesh.failed() | std::views::take(failed_shown_max)) all.insert(std::move(id));
  if (p_.catalogue.size() <= shown_always)
    for (const std::string_view id : p_.catalogue.names()) all.emplace(id);
  std::vector<observe::Metrics::Shown> out;
  for (const std::string& id : all) {
    if (!p_.catalogue.has(id)) continue;
    const rpc::EngineState state = p_.mesh.state(id);
    auto& values = out.emplace_back(observe::Metrics::Shown{{{"model", id}}, {}}).values;
    for (const ShownState& shown : shown_states) values.emplace_back(state == shown.state ? 1 : 0);
  }
  return out;
}

void CatalogueKeeper::restore(const std::vector<store::NamedRow>& rows) {
  if (at_start_ == nullptr) {
    at_start_ = std::make_unique<fetch::Depot>(models_folder(p_.config));
    at_start_->look_once();
  }
  for (const store::NamedRow& row : rows) take(row, *at_start_);
}

void CatalogueKeeper::restored() {
  at_start_.reset();
  std::set<std::string> files;
  p_.catalogue.each([&](const gateway::CatalogueModel& model) {
    if (!model.settings.source.empty()) files.insert(fetched_path(model.settings));
  });
  p_.downloads.tell_unnamed(files);
}

void CatalogueKeeper::hear(const std::vector<store::NamedRow>& rows) {
  const fetch::Depot depot(models_folder(p_.config));
  for (const store::NamedRow& row : rows) {
    if (row.version <= last_version(row.name)) continue;
    p_.log.info("another server changed the catalogue", {{"model", row.name}, {"version", row.version}});
    take(row, depot);
  }
  try_left_out(depot);
}

// What had its name or meant it may be gone by now: of rows that came together any may stand in another's way.
void CatalogueKeeper::try_left_out(const fetch::Depot& depot) {
  for (bool taken = true; std::exchange(taken, false);)
    for (const auto& [id, row] : std::map(to_come_)) {
      const auto model = portal::read_stored_model(row.value);
      const auto settings = model ? read(model->definition, depot) : std::unexpected(portal::WrongDefinition{});
      if (!settings || !p_.catalogue.may_put(*settings)) continue;
      take(row, depot);
      taken = true;
    }
}

// As its fit was when it came: a hundred thousand files are not opened at a start. The node looks at each before it
// begins an engine.
void CatalogueKeeper::take(const store::NamedRow& row, const fetch::Depot& depot) {
  const std::string& id = row.name;
  std::string definition;  // empty: not even that can be read
  const auto leave_out = [&](const std::string& why, std::string_view why_da) {
    p_.log.error("a stored model is left out", {{"model", id}, {"detail", why}});
    versions_[id] = row.version;
    left_out_[id] = {definition, why, std::string(why_da)};
  };
  left_out_.erase(id);
  to_come_.erase(id);
  const auto stored = portal::read_stored_model(row.value);
  constexpr std::uint64_t version_most = UINT32_MAX;  // no person acts so often
  if (!stored || row.version == 0 || row.version > version_most)
    return leave_out("what is stored of it cannot be read", "Det, der er gemt om den, kan ikke læses.");
  const bool configured = p_.catalogue.has(id) && p_.catalogue.version(id) == 0;
  const bool has = p_.catalogue.has(id) && !configured;
  if (stored->definition.empty()) {
    if (has) gone(id, false, row.version);
    versions_[id] = row.version;
    return;
  }
  definition = stored->definition;
  if (configured)
    return leave_out("the configuration file has a model of that name; remove one of the two",
                     "Konfigurationsfilen har også en model med det navn. Fjern en af de to.");
  auto model = read(stored->definition, depot);
  if (!model) {
    const std::string_view known = portal::in_danish(model.error());
    return leave_out(model.error().message, known.empty() ? "Dens definition kan ikke bruges her." : known);
  }
  if (model->settings.id != id)
    return leave_out("its definition has another id", "Dens definition har et andet navn (id).");
  if (auto free = p_.catalogue.may_put(*model); !free) {
    const bool own_id = !p_.catalogue.has(id) && p_.catalogue.asked(id).model != nullptr;
    to_come_.insert_or_assign(id, row);
    return leave_out(free.error().message, portal::taken_in_danish(free.error().code, own_id));
  }
  // Removed and added anew by another server, for a model keeps its engine.
  if (has && p_.catalogue.find(id)->settings.kind != model->settings.kind) gone(id, false, row.version);
  model->version = row.version;
  put(std::move(*model), stored->fit);
}

std::expected<gateway::CatalogueModel, portal::WrongDefinition> CatalogueKeeper::read(
    std::string_view definition) const {
  return read(definition, fetch::Depot(models_folder(p_.config)));
}

std::expected<gateway::CatalogueModel, portal::WrongDefinition> CatalogueKeeper::read(std::string_view definition,
                                                                                      const fetch::Depot& depot) const {
  const auto wrong = [](std::string key, std::string message) {
    return std::unexpected(portal::WrongDefinition{std::move(key), std::move(message)});
  };
  const auto model = config::parse_model(definition);
  if (!model) {
    std::string all;
    std::string key = "definition";
    for (const config::Problem& problem : model.error()) {
      if (all.empty() && !problem.key.empty()) key = problem.key;
      all += (all.empty() ? "" : "\n") + in_words(problem.message, problem.hint);
    }
    return wrong(std::move(key), std::move(all));
  }
  if (model->engine == config::Engine::llama && p_.config.llama_server.empty())
    return wrong("definition.engine",
                 "this server has no llama-server: set llama_server in its configuration and start again");
  if (model->engine == config::Engine::vllm && p_.config.vllm.empty())
    return wrong("definition.engine", "this server has no vLLM: set vllm in its configuration and start again");
  const std::pair<std::string_view, const std::filesystem::path&> files[] = {
      {"file", model->file},
      {"folder", model->folder},
      {"chat_template_file", model->chat_template_file},
      {"api_key_file", model->api_key_file},
      {"ca_file", model->ca_file.path},
      {"certificate_file", model->certificate_file.path},
      {"key_file", model->key_file.path},
      {"adapters_folder", model->adapters_folder}};
  const std::string own = std::filesystem::absolute(p_.config.data).lexically_normal().string() + "/";
  for (const auto& [name, file] : files) {
    const std::string key = "definition." + std::string(name);
    if (!file.empty() && !file.is_absolute())
      return wrong(key, key + " must be a path from the root on, not '" + file.string() + "'");
    // What lies there is the server's own: no address is sent a line of it.
    if (name != "file" && name != "folder" && file.string().starts_with(own))
      return wrong(key, key + " lies in the server's data folder; keep it elsewhere");
  }
  if (holds_data(model->adapters_folder, p_.config))
    return wrong("definition.adapters_folder",
                 "definition.adapters_folder holds the server's data folder, which no engine may read");
  for (const config::Adapter& adapter : model->adapters)
    if (!adapter.path.is_absolute())
      return wrong("definition.adapters", "adapter '" + adapter.name + "' must have a path from the root on, not '" +
                                              adapter.path.string() + "'");
  std::error_code ignored;
  if (!model->api_key_file.empty() && !std::filesystem::is_regular_file(model->api_key_file, ignored))
    return wrong("definition.api_key_file", "definition.api_key_file is no file that can be read");
  auto read = catalogue_model(*model, p_.config, depot);
  if (!read) return wrong("definition.api_key_file", read.error().message);
  return std::move(*read);
}

std::function<Expected<portal::ModelFit>()> CatalogueKeeper::look(const gateway::CatalogueModel& model) const {
  return [settings = model.settings, memories = p_.memories, how = p_.downloads.settings(),
          stop = p_.downloads.stopping()]() -> Expected<portal::ModelFit> {
    portal::ModelFit fit;
    const auto wrong = [&fit](std::string key, std::string message) {
      fit.wrong = portal::WrongDefinition{std::move(key), std::move(message)};
      return fit;
    };
    for (const auto& [key, file] : {std::pair("definition.chat_template_file", settings.chat_template_file),
                                    std::pair("definition.ca_file", settings.ca_file),
                                    std::pair("definition.certificate_file", settings.certificate_file),
                                    std::pair("definition.key_file", settings.key_file)}) {
      if (!file.empty() && ::access(file.c_str(), R_OK) != 0)
        return wrong(key, file + " cannot be read; is it there, and may the server's user read it?");
    }
    if (settings.kind == engines::EngineKind::openai) return fit;
    if (is_away(settings)) return looked_at_source(settings, how, *stop, memories);
    const auto need = looked_at(settings);
    if (!need) return wrong(need.error().key, need.error().message);
    fit = fit_of(settings, *need, memories);
    if (!settings.source.empty()) {
      const std::filesystem::path path = fetched_path(settings);
      const fetch::Depot depot(how.folder);
      fit.offer = portal::FileOffer{true,
                                    fetch::Depot::bytes_of(path).value_or(0),
                                    crypto::hex(fetch::Depot::sha256_of(path).value_or(crypto::Digest{})),
                                    {},
                                    depot.remembered_commit(order_of(settings).source).value_or("")};
    }
    return fit;
  };
}

void CatalogueKeeper::put(gateway::CatalogueModel model, const portal::ModelFit& fit) {
  const engines::ModelSettings settings = model.settings;
  const auto before = p_.catalogue.hold(settings.id);
  left_out_.erase(settings.id);
  to_come_.erase(settings.id);
  if (auto taken = p_.catalogue.put(std::move(model)); !taken) {
    p_.log.error("a model is left out", {{"model", settings.id}, {"detail", taken.error().message}});
    return;
  }
  versions_.erase(settings.id);
  p_.mesh.add_model(settings.id);
  if (is_away(settings)) {
    const bool hold_back = before == nullptr || p_.mesh.is_held_back(settings.id);
    if (!hold_back) former_.try_emplace(settings.id, before->settings);
    return p_.downloads.want(settings, hold_back);
  }
  former_.erase(settings.id);
  p_.downloads.forget(settings.id);
  const bool adapted = p_.node.know(settings);
  if (settings.kind != engines::EngineKind::openai) {
    // What runs began with the former definition: it ends in peace, and whoever asks next has the new one.
    if (before != nullptr && !(engines::same_but_adapters(before->settings, settings) && adapted))
      p_.mesh.renew(settings.id);
    engines::MemoryNeed need{fit.weights, fit.kv_cache, fit.working};
    if (need.total() == 0) need = need_of(settings).value_or(need);  // nobody knew before its file was here
    mesh::Resident resident = resident_of(settings, need, p_.config.residency.sleep);
    resident.at_start = before == nullptr;
    p_.mesh.know(resident);
  }
}

void CatalogueKeeper::arrived(const engines::ModelSettings& settings, const engines::MemoryNeed& need) {
  const auto held = p_.catalogue.hold(settings.id);
  if (held == nullptr) return;
  gateway::CatalogueModel model = *held;
  fetched_path(model.settings) = fetched_path(settings);
  if (auto taken = p_.catalogue.put(std::move(model)); !taken) return;
  former_.erase(settings.id);
  p_.node.know(settings);
  p_.mesh.renew(settings.id);  // it may have been served with another file meanwhile
  mesh::Resident resident = resident_of(settings, need, p_.config.residency.sleep);
  resident.at_start = true;
  p_.mesh.know(resident);
}

std::optional<portal::Download> CatalogueKeeper::download(const std::string& id) const {
  const gateway::CatalogueModel* model = p_.catalogue.find(id);
  if (model == nullptr || model->settings.source.empty()) return std::nullopt;
  return p_.downloads.download(model->settings);
}

Expected<void> CatalogueKeeper::fetch(const std::string& id) {
  const gateway::CatalogueModel* model = p_.catalogue.find(id);
  if (model == nullptr || model->settings.source.empty())
    return fail(Errc::not_found, "there is no model '" + id + "' whose file is fetched");
  // One that lies there by now, copied by hand, is found and taken.
  if (is_away(model->settings) || p_.downloads.wants(id)) p_.downloads.want(model->settings, p_.mesh.is_held_back(id));
  return {};
}

void CatalogueKeeper::remove(const std::string& id, bool its_file) {
  const std::uint64_t version = last_version(id) + 1;
  const bool was_left_out = left_out_.erase(id) > 0;
  to_come_.erase(id);
  // The configuration file's of that name goes on; what it was before another server changed it does not.
  if (was_left_out && p_.catalogue.version(id) == 0) {
    versions_[id] = version;
    return;
  }
  gone(id, its_file, version);
}

void CatalogueKeeper::gone(const std::string& id, bool its_file, std::uint64_t version) {
  const auto gone = p_.catalogue.hold(id);
  p_.downloads.forget(id);
  former_.erase(id);
  used_.erase(id);
  versions_[id] = version;
  p_.catalogue.remove(id);
  p_.mesh.remove_model(id);
  p_.node.forget(id);
  if (!its_file || gone == nullptr || gone->settings.source.empty()) return;
  p_.downloads.remove_file(gone->settings);
}

std::optional<engines::ModelSettings> CatalogueKeeper::settings_of(const std::string& id) const {
  if (const auto former = former_.find(id); former != former_.end()) return former->second;
  const auto model = p_.catalogue.hold(id);
  return model == nullptr ? std::nullopt : std::optional(model->settings);
}

std::uint64_t CatalogueKeeper::last_version(const std::string& id) const {
  const auto found = versions_.find(id);
  return std::max(p_.catalogue.version(id), found == versions_.end() ? 0 : found->second);
}

}  // namespace faelled::keeping
