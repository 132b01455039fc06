#include "catalogue_keeper.hpp"

#include <unistd.h>

#include <algorithm>

#include "base/limits.hpp"
#include "engines/adapters.hpp"
#include "engines/gguf.hpp"
#include "engines/llama_server.hpp"
#include "engines/memory_need.hpp"
#include "engines/vllm_server.hpp"
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

// What it needs, by its file or folder. As the node looks before it begins an engine: what it would refuse is refused.
std::expected<engines::MemoryNeed, portal::WrongDefinition> looked_at(const engines::ModelSettings& settings) {
  const auto wrong = [](std::string key, const Error& error) {
    return std::unexpected(portal::WrongDefinition{std::move(key), error.message + "; " + error.hint});
  };
  const engines::Adapters adapters = engines::look_at_adapters(settings);
  const auto of = [&](const char* where,
                      const auto& file) -> std::expected<engines::MemoryNeed, portal::WrongDefinition> {
    if (engines::lacks_template(settings, file.chat_template))
      return wrong("definition.chat_template_file",
                   {Errc::invalid, "the model has no chat template of its own", "name one in chat_template_file"});
    if (!adapters.wrong.empty()) return wrong("definition.adapters", adapters.wrong.front().error);
    auto need = engines::memory_need(settings, file);
    if (!need) return wrong(where, need.error());
    need->weights += adapters.bytes;
    return *need;
  };
  if (settings.kind == engines::EngineKind::vllm) {
    const auto folder = engines::read_model_folder(settings.folder);
    if (!folder) return wrong("definition.folder", folder.error());
    if (const auto there = engines::look_at_adapters_folder(settings); !there)
      return wrong("definition.adapters_folder", there.error());
    if (const auto context = engines::context_tokens_per_place(settings, folder->shape); !context)
      return wrong("definition.context_tokens", context.error());
    return of("definition.folder", *folder);
  }
  const auto file = engines::read_gguf_file(settings.file);
  if (!file) return wrong("definition.file", file.error());
  if (const auto context = engines::context_tokens_per_place(settings, *file); !context)
    return wrong("definition.context_tokens", context.error());
  if (const auto command = engines::llama_server_command(settings, *file, "/any.sock", {}); !command)
    return wrong("definition", command.error());
  return of("definition.file", *file);
}

}  // namespace

CatalogueKeeper::CatalogueKeeper(Parts parts) : p_(parts) {
  for (const std::string& id : p_.catalogue.names()) show(id);
}

void CatalogueKeeper::show(const std::string& id) {
  if (!shown_.insert(id).second) return;
  const auto is = [&mesh = p_.mesh, id](rpc::EngineState state) {
    return [&mesh, id, state] { return mesh.state(id) == state ? 1.0 : 0.0; };
  };
  p_.metrics.gauge("faelled_model_ready", "1 while the model is in memory and answers at once",
                   is(rpc::EngineState::ready), {{"model", id}});
  p_.metrics.gauge("faelled_model_failed", "1 while the model cannot be served, however long one waits",
                   is(rpc::EngineState::failed), {{"model", id}});
}

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
    const auto leave_out = [&](const std::string& why) {
      p_.log.error("a stored model is left out", {{"model", id}, {"detail", why}});
      kept.definition.clear();
    };
    auto model = read(text);
    if (!model) {
      leave_out(model.error().message);
    } else if (model->settings.id != id) {
      leave_out("its definition has another id");
    } else if (p_.catalogue.find(id) != nullptr) {
      leave_out("the configuration file has a model of that name; remove one of the two");
    } else if (auto free = p_.catalogue.may_put(*model); !free) {
      leave_out(free.error().message);
    } else {
      model->version = kept.version;
      put(std::move(*model), text, fit_of(*root));
    }
  }
}

std::expected<gateway::CatalogueModel, portal::WrongDefinition> CatalogueKeeper::read(
    std::string_view definition) const {
  const auto wrong = [](std::string key, std::string message) {
    return std::unexpected(portal::WrongDefinition{std::move(key), std::move(message)});
  };
  const auto model = config::parse_model(definition);
  if (!model) {
    std::string all;
    std::string key = "definition";
    for (const config::Problem& problem : model.error()) {
      if (all.empty() && !problem.key.empty()) key = problem.key;
      all += (all.empty() ? "" : "\n") + problem.message + (problem.hint.empty() ? "" : "; " + problem.hint);
    }
    return wrong(std::move(key), std::move(all));
  }
  if (model->engine == config::Engine::llama && p_.config.llama_server.empty())
    return wrong("definition.engine",
                 "this server has no llama-server: set llama_server in its configuration and start again");
  if (model->engine == config::Engine::llama && model->concurrency > limits::engine_places_max)
    return wrong("definition.concurrency", "definition.concurrency is more than the " +
                                               std::to_string(limits::engine_places_max) +
                                               " places that one engine has");
  if (model->engine == config::Engine::llama && model->id.contains(','))
    return wrong("definition.id", "definition.id holds a comma, where llama-server splits names");
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
  auto read = catalogue_model(*model, p_.config);
  if (!read) return wrong("definition.api_key_file", read.error().message);
  return std::move(*read);
}

std::function<Expected<portal::ModelFit>()> CatalogueKeeper::look(const gateway::CatalogueModel& model) const {
  return [settings = model.settings,
          memory = model.settings.gpu ? p_.gpu_memory : p_.memory]() -> Expected<portal::ModelFit> {
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
    const auto need = looked_at(settings);
    if (!need) return wrong(need.error().key, need.error().message);
    fit = {need->weights, need->kv_cache, need->working, memory, {}};
    if (settings.gpu && memory == 0)
      fit.why_not = "it is to lie on a GPU, and this server has none";
    else if (need->total() > memory)
      fit.why_not = "it needs " + std::to_string(need->total() / 1'000'000) + " MB of memory, and there are " +
                    std::to_string(memory / 1'000'000) + " MB for models";
    return fit;
  };
}

void CatalogueKeeper::put(gateway::CatalogueModel model, std::string definition, const portal::ModelFit& fit) {
  const engines::ModelSettings settings = model.settings;
  const auto before = p_.catalogue.hold(settings.id);
  kept_[settings.id] = {model.version, std::move(definition)};
  if (auto taken = p_.catalogue.put(std::move(model)); !taken) {
    p_.log.error("a model is left out", {{"model", settings.id}, {"detail", taken.error().message}});
    return;
  }
  p_.mesh.add_model(settings.id);
  const bool adapted = p_.node.know(settings);
  if (settings.kind != engines::EngineKind::openai) {
    // What runs began with the former definition: it ends in peace, and whoever asks next has the new one.
    if (before != nullptr && !(engines::same_but_adapters(before->settings, settings) && adapted))
      p_.mesh.renew(settings.id);
    const engines::MemoryNeed need{fit.weights, fit.kv_cache, fit.working};
    p_.mesh.know({settings.id, need.total(), load_guess_of(settings, need), settings.places, settings.pinned,
                  before == nullptr, device_of(settings)});
  }
  show(settings.id);
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
