#include "catalogue_keeper.hpp"

#include <unistd.h>

#include <algorithm>

#include "engines/memory_need.hpp"
#include "json/document.hpp"
#include "residents.hpp"
#include "settings.hpp"

namespace faelled::app {
namespace {

// As it was when the model came: a hundred thousand files are not opened at a start. The node looks at each before it
// begins an engine.
portal::ModelFit fit_of(const json::Value& stored) {
  const auto bytes = [&](std::string_view name) {
    const auto found = stored.find(name);
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, found ? found->integer().value_or(0) : 0));
  };
  return {bytes("weights"), bytes("kv_cache"), bytes("working"), 0, {}};
}

}  // namespace

void CatalogueKeeper::restore(const std::vector<store::SettingRow>& settings) {
  json::Document document;
  for (const store::SettingRow& row : settings) {
    if (!row.key.starts_with(portal::model_setting)) continue;
    const std::string id = row.key.substr(portal::model_setting.size());
    const auto root = document.parse(row.value);
    const auto version = root ? root->find("version") : std::nullopt;
    const auto definition = root ? root->find("definition") : std::nullopt;
    if (!version || !version->integer() || !definition) {
      p_.log.error("a stored model cannot be read", {{"model", id}});
      continue;
    }
    Kept& kept = kept_[id];
    kept.version = static_cast<std::uint64_t>(*version->integer());
    if (definition->is_null()) continue;
    kept.definition = definition->raw();
    const std::string text = kept.definition;
    auto model = read(text);
    if (model) {
      model->version = kept.version;
      if (auto free = p_.catalogue.may_put(*model); !free) {
        p_.log.error("a stored model is left out", {{"model", id}, {"detail", free.error().message}});
        kept.definition.clear();
        continue;
      }
      put(std::move(*model), text, fit_of(*root));
    } else {
      p_.log.error("a stored model is left out", {{"model", id}, {"detail", model.error().message}});
      kept.definition.clear();
    }
  }
}

Expected<gateway::CatalogueModel> CatalogueKeeper::read(std::string_view definition) const {
  const auto model = config::parse_model(definition, p_.config.data);
  if (!model) return std::unexpected(model.error());
  if (model->engine == config::Engine::llama && p_.config.llama_server.empty())
    return fail(Errc::invalid, "this server has no llama-server: llama_server is not set in its configuration",
                "set it there and start again; ./run builds one");
  if (model->engine == config::Engine::vllm && p_.config.vllm.empty())
    return fail(Errc::invalid, "this server has no vLLM: vllm is not set in its configuration",
                "set it there and start again; ./dev vllm installs one for processors");
  for (const auto& file : {model->file, model->folder, model->chat_template_file})
    if (!file.empty() && !file.is_absolute())
      return fail(Errc::invalid, "the path " + file.string() + " is not absolute", "write it from the root on");
  return catalogue_model(*model, p_.config);
}

std::function<Expected<portal::ModelFit>()> CatalogueKeeper::look(const gateway::CatalogueModel& model) const {
  return [settings = model.settings, memory = p_.memory]() -> Expected<portal::ModelFit> {
    if (settings.kind == engines::EngineKind::openai) return portal::ModelFit{};
    const auto need = need_of(settings);
    if (!need) return std::unexpected(need.error());
    if (!settings.chat_template_file.empty() && ::access(settings.chat_template_file.c_str(), R_OK) != 0)
      return fail(Errc::invalid, "chat_template_file " + settings.chat_template_file + " cannot be read",
                  "is it there, and may the server's user read it?");
    portal::ModelFit fit{need->weights, need->kv_cache, need->working, memory, {}};
    if (need->total() > memory)
      fit.why_not = "it needs " + std::to_string(need->total() / 1'000'000) + " MB of memory, and there are " +
                    std::to_string(memory / 1'000'000) + " MB for models";
    return fit;
  };
}

void CatalogueKeeper::put(gateway::CatalogueModel model, std::string definition, const portal::ModelFit& fit) {
  const engines::ModelSettings settings = model.settings;
  const bool changes = p_.catalogue.find(settings.id) != nullptr;
  kept_[settings.id] = {model.version, std::move(definition)};
  if (auto taken = p_.catalogue.put(std::move(model)); !taken) {
    p_.log.error("a model is left out", {{"model", settings.id}, {"detail", taken.error().message}});
    return;
  }
  p_.mesh.add_model(settings.id);
  p_.node.know(settings);
  if (settings.kind != engines::EngineKind::openai) {
    const engines::MemoryNeed need{fit.weights, fit.kv_cache, fit.working};
    p_.mesh.know(
        {settings.id, need.total(), load_guess_of(settings, need), settings.places, settings.pinned, !changes});
    // What runs began with the former definition: it ends in peace, and whoever asks next has the new one.
    if (changes) p_.mesh.renew(settings.id);
  }
  if (!changes) p_.added(settings.id);
}

void CatalogueKeeper::remove(const std::string& id) {
  Kept& kept = kept_[id];
  ++kept.version;
  kept.definition.clear();
  p_.catalogue.remove(id);
  p_.mesh.remove_model(id);
  p_.node.forget(id);
}

std::string CatalogueKeeper::definition(const std::string& id) const {
  const auto found = kept_.find(id);
  return found == kept_.end() ? std::string() : found->second.definition;
}

std::uint64_t CatalogueKeeper::last_version(const std::string& id) const {
  const auto found = kept_.find(id);
  return found == kept_.end() ? 0 : found->second.version;
}

}  // namespace faelled::app
