// Models that come, change and go while the server runs.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include "command.hpp"
#include "json/document.hpp"
#include "option_values.hpp"
#include "residency_text.hpp"

namespace faelled::app {
namespace {

// What a person names of a definition; the rest stays as it is.
struct Named {
  std::optional<std::string> name, file, source, sha256, folder, device, chat_template_file, url, upstream_model,
      api_key_file, adapters_folder;
  std::optional<std::uint32_t> concurrency, context_tokens, threads, copies;
  std::optional<bool> embeddings, rerank, pinned;
  std::optional<std::vector<std::string>> aliases, stop;
  std::string definition;  // a file that holds all of it
  bool dry_run = false;
};

constexpr std::string_view taken_away = "none";

// Keys and their JSON; empty: the key goes.
using Members = std::map<std::string, std::string, std::less<>>;

std::string as_json(const std::string& text) {
  std::string out;
  json::append_text(out, text);
  return out;
}

Members members_of(const Named& named) {
  Members all;
  const auto text = [&](const char* key, const std::optional<std::string>& value) {
    if (value) all[key] = *value == taken_away ? "" : as_json(*value);
  };
  // The server has another folder under its feet.
  const auto path = [&](const char* key, const std::optional<std::string>& value) {
    if (value)
      all[key] = *value == taken_away ? "" : as_json(std::filesystem::absolute(*value).lexically_normal().string());
  };
  const auto number = [&](const char* key, const std::optional<std::uint32_t>& value) {
    if (value) all[key] = std::to_string(*value);
  };
  const auto flag = [&](const char* key, const std::optional<bool>& value) {
    if (value) all[key] = *value ? "true" : "";
  };
  const auto list = [&](const char* key, const std::optional<std::vector<std::string>>& values) {
    if (!values) return;
    std::string& out = all[key];
    for (const std::string& value : *values)
      if (value != taken_away) out += (out.empty() ? "[" : ",") + as_json(value);
    if (!out.empty()) out += "]";
  };
  text("name", named.name);
  path("file", named.file);
  text("source", named.source);
  text("sha256", named.sha256);
  path("folder", named.folder);
  text("device", named.device);
  path("chat_template_file", named.chat_template_file);
  text("url", named.url);
  text("upstream_model", named.upstream_model);
  path("api_key_file", named.api_key_file);
  path("adapters_folder", named.adapters_folder);
  number("concurrency", named.concurrency);
  number("context_tokens", named.context_tokens);
  number("threads", named.threads);
  number("copies", named.copies);
  flag("embeddings", named.embeddings);
  flag("rerank", named.rerank);
  flag("pinned", named.pinned);
  list("aliases", named.aliases);
  list("stop", named.stop);
  return all;
}

std::string object_of(const Members& members) {
  std::string out;
  json::Writer writer(out);
  writer.object();
  for (const auto& [key, value] : members)
    if (!value.empty()) writer.member_raw(key, value);
  writer.close_object();
  return out;
}

Expected<Members> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(Errc::not_found, path + " cannot be read", "is it there, and may you read it?");
  const std::string text(std::istreambuf_iterator<char>(in), {});
  json::Document document;
  const auto root = document.parse(text);
  if (!root) return fail(Errc::invalid, path + ": " + root.error().message, "it holds one model as a JSON object");
  if (root->kind() != json::Kind::object) return fail(Errc::invalid, path + " holds no JSON object");
  Members all;
  for (const json::Member member : root->members())
    all[member.name.text().value_or("")] = std::string(member.value.raw());
  return all;
}

struct Entry {
  std::string json;
  std::string version;
  Members definition;  // none: the configuration file has it
};

Expected<Entry> entry_of(const Control& control, const std::string& id) {
  auto answer = control.call("GET", "/api/catalogue/" + percent_encoded(id));
  if (!answer && answer.error().code == Errc::not_found)
    return fail(Errc::not_found, "there is no model '" + id + "'", "'faelled model list --search' shows those like it");
  if (!answer) return std::unexpected(answer.error());
  json::Document document;
  const auto model = document.parse(*answer);
  const auto version = model ? model->find("version") : std::nullopt;
  const auto definition = model ? model->find("definition") : std::nullopt;
  if (!version || !definition)
    return fail(Errc::io, "the server's answer is no model", "is it of the same version as this program?");
  Entry entry{*answer, std::string(version->raw()), {}};
  for (const json::Member member : definition->members())
    entry.definition[member.name.text().value_or("")] = std::string(member.value.raw());
  return entry;
}

std::string fit_text(const json::Value& fit) {
  const auto bytes = [&](const char* name) {
    const auto value = fit.find(name);
    return bytes_text(value ? value->number().value_or(0) : 0);
  };
  const auto total = fit.find("bytes");
  if (!total || total->integer().value_or(0) == 0) return "fits: it takes no memory here\n";
  const auto fits = fit.find("fits");
  std::string out = fits && fits->boolean().value_or(false)
                        ? "fits: yes\n"
                        : fmt::format("fits: no, {}\n", fit.find("why_not")->text().value_or(""));
  return out + fmt::format("needs: {} (weights {}, conversations {}, working memory {})\nmemory for models: {}\n",
                           bytes("bytes"), bytes("weights"), bytes("kv_cache"), bytes("working"), bytes("memory"));
}

// What its source says.
std::string offer_text(const json::Value& offer) {
  const auto here = offer.find("here");
  const auto commit = offer.find("commit");
  const std::string of_commit =
      commit && !commit->is_null() ? fmt::format("commit: {}\n", commit->text().value_or("")) : std::string();
  if (here && here->boolean().value_or(false))
    return of_commit.empty() ? "file: it is here already\n" : "folder: it is here already\n" + of_commit;
  const auto bytes = offer.find("bytes"), why = offer.find("why_no_room"), sha256 = offer.find("sha256");
  const double size = bytes ? bytes->number().value_or(0) : 0;
  std::string out =
      size > 0 ? fmt::format("to fetch: {}\n", bytes_text(size)) : std::string("to fetch: unknown size\n");
  if (!of_commit.empty())
    out += of_commit;
  else if (sha256)
    out += fmt::format("sha256: {}\n", sha256->text().value_or(""));
  if (why && !why->is_null()) out += fmt::format("room on the disk: no, {}\n", why->text().value_or(""));
  return out;
}

int say(const Options& options, const Expected<std::string>& answer) {
  if (const int status = tell(options, answer, {"id", "version"}); status != 0 || options.json) return status;
  json::Document document;
  const auto root = document.parse(*answer);
  const auto fit = root ? root->find("fit") : std::nullopt;
  const auto offer = root ? root->find("offer") : std::nullopt;
  const bool fetched = offer && !offer->is_null();
  const auto needs = fit ? fit->find("bytes") : std::nullopt;
  if (fetched && needs && needs->integer().value_or(0) == 0) {
    std::cout << "fits: nobody knows before its file is here\n";
  } else if (fit) {
    std::cout << fit_text(*fit);
  }
  if (fetched) std::cout << offer_text(*offer);
  return 0;
}

std::string body_of(const Members& definition, const Named& named, const std::string& version) {
  std::string body;
  json::Writer out(body);
  out.object().member_raw("definition", object_of(definition));
  if (!version.empty()) out.member_raw("version", version);
  if (named.dry_run) out.member("dry_run", true);
  out.close_object();
  return body;
}

int add(const Control& control, const Options& options, const Named& named) {
  Members definition;
  if (!named.definition.empty()) {
    auto read = read_file(named.definition);
    if (!read) return complain(read.error());
    definition = std::move(*read);
  } else {
    const bool fetched_folder = named.source && !named.source->ends_with(".gguf");
    definition["engine"] = named.url ? R"("openai")" : named.folder || fetched_folder ? R"("vllm")" : R"("llama")";
  }
  definition["id"] = as_json(options.id);
  for (auto& [key, value] : members_of(named)) definition[key] = value;
  return say(options, control.call("POST", "/api/catalogue", body_of(definition, named, {})));
}

int change(const Control& control, const Options& options, const Named& named) {
  auto before = entry_of(control, options.id);
  if (!before) return complain(before.error());
  if (before->definition.empty())
    return complain({Errc::conflict, "the model '" + options.id + "' stands in the configuration file",
                     "change it there and start again"});
  Members definition = std::move(before->definition);
  if (!named.definition.empty()) {
    auto read = read_file(named.definition);
    if (!read) return complain(read.error());
    definition = std::move(*read);
    definition["id"] = as_json(options.id);
  }
  // The one takes the other's place.
  if ((named.file || named.folder) && !named.source) definition["source"] = definition["sha256"] = "";
  if (named.source && !named.file) definition["file"] = "";
  if (named.source && !named.folder) definition["folder"] = "";
  for (auto& [key, value] : members_of(named)) definition[key] = value;
  return say(options, control.call("PUT", "/api/catalogue/" + percent_encoded(options.id),
                                   body_of(definition, named, before->version)));
}

// The adapters of a definition, but for the one of that name, as the values of an open array; whether it was there.
bool copy_others(json::Writer& out, const Members& definition, const std::string& name) {
  bool there = false;
  const auto list = definition.find("adapters");
  if (list == definition.end()) return false;
  json::Document document;
  const auto adapters = document.parse(list->second);
  if (!adapters || adapters->kind() != json::Kind::array) return false;
  for (const json::Value adapter : adapters->items()) {
    const auto called = adapter.find("name");
    const bool same = called && called->text_is(name);
    there |= same;
    if (!same) out.raw(adapter.raw());
  }
  return there;
}

struct AdapterNamed {
  std::string name;
  std::optional<std::string> file, folder;
  std::vector<std::string> members, aliases;
};

int with_adapters(const Control& control, const Options& options, const AdapterNamed& named, bool adds) {
  auto before = entry_of(control, options.id);
  if (!before) return complain(before.error());
  if (before->definition.empty())
    return complain({Errc::conflict, "the model '" + options.id + "' stands in the configuration file",
                     "change its adapters there and start again"});
  std::string list;
  json::Writer out(list);
  out.array();
  const bool there = copy_others(out, before->definition, named.name);
  const std::string id = options.id + ":" + named.name;
  if (adds && there)
    return complain(
        {Errc::exists, "there is an adapter '" + id + "' already", "remove it first, or choose another name"});
  if (!adds && !there)
    return complain({Errc::not_found, "there is no adapter '" + id + "'", "'faelled model list' shows all"});
  if (adds) {
    if (named.file.has_value() == named.folder.has_value())
      return complain({Errc::invalid, "say where the adapter lies, once",
                       "--file names a GGUF file, for llama-server, and --folder a folder, for vLLM"});
    Members adapter{{"name", as_json(named.name)}};
    const auto path = std::filesystem::absolute(named.file ? *named.file : *named.folder).lexically_normal();
    adapter[named.file ? "file" : "folder"] = as_json(path.string());
    for (const auto& [key, values] : {std::pair("members", &named.members), std::pair("aliases", &named.aliases)}) {
      std::string texts;
      for (const std::string& value : *values) texts += (texts.empty() ? "[" : ",") + as_json(value);
      if (!texts.empty()) adapter[key] = texts + "]";
    }
    out.raw(object_of(adapter));
  }
  out.close_array();
  before->definition["adapters"] = list == "[]" ? "" : list;
  return say(options, control.call("PUT", "/api/catalogue/" + percent_encoded(options.id),
                                   body_of(before->definition, {}, before->version)));
}

void add_adapters(CLI::App& model, std::string& config, int& status) {
  auto* adapter = model.add_subcommand("adapter", "Adapters (LoRA) of a model: each is asked for as MODEL:NAME");
  adapter->require_subcommand(1);
  const auto named = std::make_shared<AdapterNamed>();
  Command adds(*adapter, "add", "Give a model an adapter while the server runs; its file is looked at first", config,
               status, [named](const Control& c, const Options& o) { return with_adapters(c, o, *named, true); });
  adds->add_option("--file", named->file, "The adapter's GGUF file, for llama-server");
  adds->add_option("--folder", named->folder,
                   "The folder with adapter_config.json and adapter_model.safetensors, for vLLM");
  add_texts(adds.app(), "--member", named->members,
            "A member that may use it, and sees it, and nobody else; may be given again. Without: everybody");
  add_texts(adds.app(), "--alias", named->aliases, "Another name for it; may be given again");
  Command removes(*adapter, "remove", "Take an adapter away from a model", config, status,
                  [named](const Control& c, const Options& o) { return with_adapters(c, o, *named, false); });
  for (Command* command : {&adds, &removes}) {
    (*command)->add_option("model", command->options().id, "The model's id")->required();
    (*command)->add_option("adapter", named->name, "The adapter's name")->required();
  }
}

int remove(const Control& control, const Options& options, bool its_file) {
  const auto answer =
      control.call("DELETE", "/api/catalogue/" + percent_encoded(options.id) + (its_file ? "?delete_file=true" : ""));
  if (!answer) return complain(answer.error());
  if (!options.json) std::cout << "removed: " << options.id << "\n";
  return 0;
}

std::string download_text(const json::Value& download) {
  const auto text = [&](const char* name) {
    const auto value = download.find(name);
    return value ? value->text().value_or("") : std::string();
  };
  const auto number = [&](const char* name) {
    const auto value = download.find(name);
    return value ? value->number().value_or(0) : 0;
  };
  std::string out = fmt::format("source: {}\nfile: {}\nfetched: {}", text("source"), text("file"),
                                text("state") == "here" ? "yes" : text("state"));
  if (number("total") > 0)
    out += fmt::format(", {} of {} ({:.0f} %)", bytes_text(number("bytes")), bytes_text(number("total")),
                       100 * number("bytes") / number("total"));
  if (number("bytes_per_s") > 0) out += fmt::format(", {}/s", bytes_text(number("bytes_per_s")));
  if (number("left_s") > 0) out += fmt::format(", about {:.0f} s left", number("left_s"));
  if (number("again_in_s") > 0) out += fmt::format(", again in {:.0f} s", number("again_in_s"));
  out += '\n';
  if (const std::string detail = text("detail"); !detail.empty()) out += fmt::format("last failure: {}\n", detail);
  return out;
}

int show_one(const Control& control, const Options& options) {
  const auto entry = entry_of(control, options.id);
  if (!entry) return complain(entry.error());
  if (const int status = tell(options, entry->json, {"id", "version", "origin", "definition"});
      status != 0 || options.json)
    return status;
  json::Document document;
  const auto root = document.parse(entry->json);
  const auto download = root ? root->find("download") : std::nullopt;
  if (download && !download->is_null()) std::cout << download_text(*download);
  return 0;
}

int fetch(const Control& control, const Options& options) {
  const auto answer = control.call("POST", "/api/catalogue/" + percent_encoded(options.id) + "/fetch");
  if (!answer) return complain(answer.error());
  if (options.json) return tell(options, answer, {});
  json::Document document;
  if (const auto root = document.parse(*answer)) std::cout << download_text(*root);
  return 0;
}

std::shared_ptr<Named> with_definition(Command& command, bool adds) {
  auto named = std::make_shared<Named>();
  const std::string goes = adds ? "" : "; none takes it away";
  command->add_option("model", command.options().id, "Its id: what clients call it")->required();
  command->add_option("--file", named->file, "The GGUF file, for llama-server");
  command->add_option("--source", named->source,
                      "Where the GGUF file is fetched from, in place of --file: https://host/x.gguf or "
                      "hf:owner/repository/x.gguf; or the folder for vLLM, in place of --folder: hf:owner/repository");
  command->add_option("--sha256", named->sha256,
                      "Of that file; only a source on the hub may go without: the hub says it" + goes);
  command->add_option("--folder", named->folder, "The folder of safetensors, for vLLM");
  std::vector<std::string> devices{"host", "gpu"};
  if (!adds) devices.emplace_back(taken_away);
  command->add_option("--device", named->device, "Its memory: host (the machine's) or gpu" + goes)
      ->check(CLI::IsMember(devices));
  command->add_option("--name", named->name, "What people read" + goes);
  command->add_option("--concurrency", named->concurrency, "Places: how many it answers at once")
      ->transform(whole_number<std::uint32_t>());
  command->add_option("--context-tokens", named->context_tokens, "Longest conversation of each place")
      ->transform(whole_number<std::uint32_t>());
  command->add_option("--threads", named->threads, "Processor threads of its engine")
      ->transform(whole_number<std::uint32_t>());
  command->add_option("--copies", named->copies, "The most engines of it at once, each in a memory of its own")
      ->transform(whole_number<std::uint32_t>());
  command->add_option("--chat-template-file", named->chat_template_file,
                      "A template in place of the file's own" + goes);
  command->add_option("--adapters-folder", named->adapters_folder,
                      "For vLLM: adapters below this folder come and go without a new engine" + goes);
  add_either(command, "--embeddings,!--no-embeddings", named->embeddings, "It makes vectors and nothing else");
  add_either(command, "--rerank,!--no-rerank", named->rerank, "It ranks documents and nothing else");
  add_either(command, "--pinned,!--no-pinned", named->pinned, "Keep it in memory always");
  add_texts(command.app(), "--alias", named->aliases,
            std::string("Another name for it; may be given again") +
                (adds ? "" : ". Takes the place of all it had; none takes them away"));
  add_texts(command.app(), "--stop", named->stop,
            std::string("A text that ends its answers; may be given again") + (adds ? "" : ". As --alias"));
  command->add_option("--url", named->url, "Of a model that another server runs: its address, with /v1");
  command->add_option("--upstream-model", named->upstream_model, "Its name there" + goes);
  command->add_option("--api-key-file", named->api_key_file, "Where the key for that server lies" + goes);
  command->add_option("--definition", named->definition,
                      "A JSON file with all keys of a model, paths from the root on; other options come on top");
  command->add_flag("--dry-run", named->dry_run, "Only say what it would need, and whether it fits");
  return named;
}

}  // namespace

void add_catalogue(CLI::App& model, std::string& config, int& status) {
  const auto with_named = [&](const char* name, const char* help, bool adds) {
    // Its options are made after the command, whose work needs them.
    auto slot = std::make_shared<std::shared_ptr<Named>>();
    Command command(model, name, help, config, status, [slot, adds](const Control& c, const Options& o) {
      return adds ? add(c, o, **slot) : change(c, o, **slot);
    });
    *slot = with_definition(command, adds);
  };
  with_named("add", "Take a model into the catalogue while the server runs; its file is looked at first", true);
  with_named("change", "Change a model that was added at run time; what is not named stays as it is", false);
  add_adapters(model, config, status);
  auto its_file = std::make_shared<bool>(false);
  Command removes(model, "remove", "Take a model out of the catalogue; what it answers it answers to the end", config,
                  status, [its_file](const Control& c, const Options& o) { return remove(c, o, *its_file); });
  removes->add_flag("--delete-file", *its_file, "Remove what was fetched for it too, unless another model has it");
  removes->add_option("model", removes.options().id, "Its id")->required();
  Command fetches(model, "fetch", "Fetch a model's file now, whatever failed before", config, status, fetch);
  fetches->add_option("model", fetches.options().id, "Its id")->required();
  Command shows(model, "show", "A model's version, where it comes from, its definition, and how its file comes", config,
                status, show_one);
  shows->add_option("model", shows.options().id, "Its id")->required();
}

}  // namespace faelled::app
