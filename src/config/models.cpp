#include "config/models.hpp"

#include <algorithm>
#include <set>

#include "base/limits.hpp"
#include "base/plain_name.hpp"
#include "config/adapters.hpp"
#include "config/edge.hpp"
#include "config/keys.hpp"
#include "config/naming.hpp"

namespace faelled::config {
namespace {

constexpr std::size_t path_bytes_max = 4096;
constexpr std::size_t stop_bytes_max = 200;
constexpr std::uint64_t copies_max = 64;
constexpr auto engine_names = std::to_array<std::string_view>({"llama", "openai", "vllm"});

// Which memory it lies in.
void read_device(Fields& fields, Model& model) {
  static constexpr auto devices = std::to_array<std::string_view>({"host", "gpu"});
  if (const auto device = fields.choice("device", devices)) model.gpu = *device == 1;
}

// Where the file says nothing, by engine.
std::uint32_t places_of(Engine engine) {
  if (engine == Engine::llama) return 1;
  return engine == Engine::vllm ? 8 : 64;
}

std::vector<std::string> read_stop(Fields& model, Problems& problems) {
  std::vector<std::string> stop;
  model.list("stop", limits::stop_sequences_max, [&](const YAML::Node& node, const std::string& where) {
    if (!node.IsScalar() || node.Scalar().empty() || node.Scalar().size() > stop_bytes_max) {
      problems.add(node, where + " must be text of 1 to " + std::to_string(stop_bytes_max) + " bytes");
    } else {
      stop.push_back(node.Scalar());
    }
  });
  return stop;
}

// Keys that say nothing to this kind of engine are mistakes too: whoever wrote them expects an effect.
void refuse(Fields& fields, std::string_view engine, std::initializer_list<std::string_view> unused) {
  for (auto key : unused) {
    if (fields.has(key)) {
      fields.wrong(key, fields.path(key) + " means nothing for engine " + std::string(engine), "remove it");
    }
  }
}

void read_url(Fields& fields, Model& model) {
  auto url = fields.required("url", "url: \"http://127.0.0.1:8000/v1\"", 2000);
  if (!url) return;
  const bool scheme = url->starts_with("http://") || url->starts_with("https://");
  const auto host_at = scheme ? url->find("//") + 2 : 0;
  const auto host_end = std::min(url->find('/', host_at), url->size());
  const bool plain = std::all_of(url->begin(), url->end(), [](char c) { return c > ' ' && c < 0x7f; });
  const auto host = std::string_view(*url).substr(host_at, host_end - host_at);
  if (!scheme || !plain || host.empty() || host.starts_with(':')) {
    return fields.wrong("url", fields.path("url") + " " + in_quotes(*url) + " is no address of a server",
                        "for example http://127.0.0.1:8000/v1");
  }
  if (host.find('@') != std::string_view::npos) {
    return fields.wrong("url", fields.path("url") + " must not hold a user or password",
                        "put the key in a file and name it with api_key_file");
  }
  if (url->find_first_of("?#") != std::string::npos) {
    return fields.wrong("url", fields.path("url") + " must not hold '?' or '#'",
                        "it ends with the path, for example /v1");
  }
  while (url->ends_with('/')) url->pop_back();
  model.url = *url;
}

// What TLS to the upstream needs beyond the address.
void read_upstream_tls(Fields& fields, const std::filesystem::path& folder, Model& model) {
  model.ca_file = named_file(fields, "ca_file", folder);
  model.certificate_file = named_file(fields, "certificate_file", folder);
  model.key_file = named_file(fields, "key_file", folder);
  if (!model.url.empty() && !model.url.starts_with("https://")) {
    for (auto key : {"ca_file", "certificate_file", "key_file"})
      if (fields.has(key))
        fields.wrong(key, fields.path(key) + " means nothing without TLS", "write https:// in url, or remove it");
  }
  if (fields.has("certificate_file") != fields.has("key_file")) {
    const auto key = fields.has("key_file") ? "key_file" : "certificate_file";
    fields.wrong(key, fields.path(key) + " stands alone", "certificate_file and key_file go together");
  }
}

// Of a model whose engine reads `here`, a key that means something that lies here.
void one_of_both(Fields& fields, std::string_view here) {
  if (fields.has("source") && fields.has(here))
    fields.wrong("source", fields.path("source") + " and " + fields.path(here) + " are two answers to one question",
                 "keep " + std::string(here) + " for one that lies here, source for one that is to be fetched");
}

void read_source(Fields& fields, Model& model) {
  if (const auto text = fields.text("source", limits::fetch_url_bytes_max)) {
    if (auto source = fetch::parse_source(*text))
      model.source = std::move(*source);
    else
      fields.wrong("source", fields.path("source") + ": " + source.error().message, source.error().hint);
  }
}

// Only a hub says what a file's hash is; elsewhere nobody would notice another one.
void read_sha256(Fields& fields, Model& model) {
  if (const auto text = fields.text("sha256")) {
    model.sha256 = crypto::from_hex(*text);
    if (!model.sha256)
      fields.wrong("sha256", fields.path("sha256") + " " + in_quotes(*text) + " is no SHA-256",
                   "64 letters of 0-9 and a-f; 'sha256sum FILE' says it");
  }
  if (fields.has("sha256") && !fields.has("source"))
    fields.wrong("sha256", fields.path("sha256") + " means nothing without source", "remove it, or name a source");
  if (model.source && !model.source->of_hub() && !fields.has("sha256"))
    fields.wrong("source", fields.path("sha256") + " is missing: a source that is no hub's needs it",
                 "whoever offers the file says its SHA-256; 'sha256sum FILE' says that of a copy you trust");
}

void read_llama(Fields& fields, const std::filesystem::path& folder, Model& model) {
  read_source(fields, model);
  read_sha256(fields, model);
  if (model.source && model.source->is_folder())
    fields.wrong("source", fields.path("source") + " names a folder, and engine llama reads one GGUF file",
                 "name the file, for example hf:owner/repository/small.gguf, or write engine: vllm");
  if (model.id.contains(','))
    fields.wrong("id", "model " + in_quotes(model.id) + " has a comma in its id, where llama-server splits names",
                 "choose an id without a comma");
  one_of_both(fields, "file");
  const char* example = "file: models/small.gguf, or source: hf:owner/repository/small.gguf";
  if (const auto file = fields.has("source") ? std::nullopt : fields.required("file", example, path_bytes_max))
    model.file = (folder / *file).lexically_normal();
  if (const auto threads = fields.number("threads", {1, 512})) model.threads = static_cast<std::uint32_t>(*threads);
  if (const auto file = fields.text("chat_template_file", path_bytes_max))
    model.chat_template_file = (folder / *file).lexically_normal();
  read_device(fields, model);
  refuse(fields, "llama",
         {"folder", "tool_parser", "url", "upstream_model", "api_key_file", "ca_file", "certificate_file", "key_file"});
}

// A name, because it becomes a word of a command line.
bool is_parser_name(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

void read_vllm(Fields& fields, const std::filesystem::path& folder, Model& model) {
  read_source(fields, model);
  if (model.source && !model.source->is_folder())
    fields.wrong("source", fields.path("source") + " names a GGUF file, and engine vllm reads a folder of safetensors",
                 "name the repository, for example hf:owner/repository, or write engine: llama");
  one_of_both(fields, "folder");
  if (fields.has("sha256"))
    fields.wrong("sha256", fields.path("sha256") + " means nothing for engine vllm",
                 "what pins a folder is its commit: source: hf:owner/repository@COMMIT");
  const char* example = "folder: models/small, or source: hf:owner/repository";
  if (const auto path = fields.has("source") ? std::nullopt : fields.required("folder", example, path_bytes_max))
    model.folder = (folder / *path).lexically_normal();
  model.threads = static_cast<std::uint32_t>(fields.number("threads", {1, 512}).value_or(0));
  if (const auto file = fields.text("chat_template_file", path_bytes_max))
    model.chat_template_file = (folder / *file).lexically_normal();
  if (const auto parser = fields.text("tool_parser")) {
    model.tool_parser = *parser;
    if (!is_parser_name(*parser))
      fields.wrong("tool_parser", fields.path("tool_parser") + " " + in_quotes(*parser) + " is no name of a parser",
                   "for example hermes; vLLM's documentation says which one a model needs");
  }
  read_device(fields, model);
  refuse(fields, "vllm",
         {"file", "url", "upstream_model", "api_key_file", "ca_file", "certificate_file", "key_file", "embeddings",
          "rerank", "shorter_vectors"});
}

void read_openai(Fields& fields, const std::filesystem::path& folder, Model& model) {
  read_url(fields, model);
  model.upstream_model = fields.text("upstream_model").value_or(model.id);
  if (const auto file = fields.text("api_key_file", path_bytes_max))
    model.api_key_file = (folder / *file).lexically_normal();
  read_upstream_tls(fields, folder, model);
  refuse(fields, "openai",
         {"file", "source", "sha256", "folder", "threads", "chat_template_file", "device", "copies", "tool_parser"});
}

std::optional<Model> read_in(const std::filesystem::path& folder, std::set<std::string>& ids, const YAML::Node& node,
                             const std::string& where, Problems& problems) {
  Fields fields(problems, node, where, keys::models);
  if (!node.IsMap()) return std::nullopt;
  Model model;
  if (const auto id = fields.required("id", "id: small")) {
    model.id = *id;
    if (!is_plain_name(*id)) {
      fields.wrong("id", fields.path("id") + " " + in_quotes(*id) + " is no model id",
                   "visible ASCII letters without spaces, quotes and backslashes");
    } else if (!ids.insert(*id).second) {
      fields.wrong("id", "model " + in_quotes(*id) + " stands twice", "give each model its own id");
    }
  }
  model.name = fields.text("name").value_or(model.id);
  const auto engine = fields.choice("engine", engine_names);
  if (!fields.has("engine")) {
    fields.wrong("engine", fields.path("engine") + " is missing",
                 "engine: llama (a GGUF file), vllm (a folder of safetensors) or openai (another server)");
  }
  if (engine) model.engine = static_cast<Engine>(*engine);
  if (engine && model.engine == Engine::llama) read_llama(fields, folder, model);
  if (engine && model.engine == Engine::vllm) read_vllm(fields, folder, model);
  if (engine && model.engine == Engine::openai) read_openai(fields, folder, model);
  model.concurrency = places_of(model.engine);
  const std::uint32_t places_max = engine && model.engine != Engine::openai ? limits::engine_places_max : 100'000;
  if (const auto places = fields.number("concurrency", {1, places_max}))
    model.concurrency = static_cast<std::uint32_t>(*places);
  if (const auto tokens = fields.number("context_tokens", {16, 100'000'000}))
    model.context_tokens = static_cast<std::uint32_t>(*tokens);
  if (const auto copies = fields.number("copies", {1, copies_max})) model.copies = static_cast<std::uint32_t>(*copies);
  model.members = read_whom(fields, problems, "model");
  model.stop = read_stop(fields, problems);
  model.aliases = read_aliases(fields, problems);
  model.embeddings = fields.boolean("embeddings").value_or(false);
  model.rerank = fields.boolean("rerank").value_or(false);
  if (model.rerank && model.embeddings)
    fields.wrong("rerank", "model " + in_quotes(model.id) + " cannot both make embeddings and rank documents",
                 "keep one of embeddings and rerank");
  model.shorter_vectors = fields.boolean("shorter_vectors").value_or(false);
  if (model.shorter_vectors && !model.embeddings)
    fields.wrong("shorter_vectors", fields.path("shorter_vectors") + " means nothing without embeddings: true",
                 "set embeddings: true as well, or remove it");
  model.demo = fields.boolean("demo").value_or(false);
  model.pinned = fields.boolean("pinned").value_or(false);
  if (model.pinned && model.engine == Engine::openai)
    fields.wrong("pinned", fields.path("pinned") + " means nothing for engine openai",
                 "where that server keeps its model is its own affair; remove it");
  model.card = read_card(fields, problems);
  read_adapters(fields, problems, folder, model);
  return model;
}

}  // namespace

std::string_view name_of(Engine engine) { return engine_names[static_cast<std::size_t>(engine)]; }

void read_models(Fields& top, Problems& problems, const std::filesystem::path& folder, std::vector<Model>& models) {
  std::set<std::string> ids;
  top.list("models", limits::models_max, [&](const YAML::Node& node, const std::string& where) {
    if (auto model = read_in(folder, ids, node, where, problems)) models.push_back(std::move(*model));
  });
  // Ids first, wherever they stand: a name means one model.
  for (const Model& model : models) {
    for (const Adapter& adapter : model.adapters) {
      if (!ids.insert(id_of(model, adapter)).second)
        top.wrong("models", "adapter " + in_quotes(id_of(model, adapter)) + " has the name of a model",
                  "give each model and adapter a name of its own");
    }
  }
  for (const Model& model : models) {
    for (const Alias& alias : aliases_of(model)) {
      if (!ids.insert(alias.name).second)
        top.wrong("models",
                  "alias " + in_quotes(alias.name) + " of model " + in_quotes(model.id) + " means another one already",
                  "give each alias a name that no model and no other alias has");
    }
  }
}

std::optional<Model> read_model(const YAML::Node& node, const std::string& where, Problems& problems) {
  std::set<std::string> names;
  auto model = read_in({}, names, node, where, problems);
  if (!model) return std::nullopt;
  for (const Adapter& adapter : model->adapters) names.insert(id_of(*model, adapter));
  for (const Alias& alias : aliases_of(*model)) {
    if (names.insert(alias.name).second) continue;
    problems.add(node, where + ".aliases has " + in_quotes(alias.name) + " twice, or it is the model's own id",
                 "keep one of the two", where + ".aliases");
  }
  return model;
}

}  // namespace faelled::config
