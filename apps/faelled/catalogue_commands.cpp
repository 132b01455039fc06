// Models that come, change and go while the server runs.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <map>

#include "answer.hpp"
#include "base/whole_file.hpp"
#include "command.hpp"
#include "command_groups.hpp"
#include "json/document.hpp"
#include "option_values.hpp"
#include "residency_text.hpp"

namespace faelled::app {
namespace {

struct ModelOptions : Printing {
  std::string id;

  void declare(CLI::App& command, const char* help = "Its id") { command.add_option("model", id, help)->required(); }
};

std::string target_of(const std::string& id) { return "/api/catalogue/" + percent_encoded(id); }

// What a person names of a definition; the rest stays as it is.
struct NamedOptions : ModelOptions {
  std::optional<std::string> name, file, source, sha256, folder, device, chat_template_file, url, upstream_model,
      api_key_file, adapters_folder;
  std::optional<std::uint32_t> concurrency, context_tokens, threads, copies;
  std::optional<bool> embeddings, rerank, pinned;
  std::optional<std::vector<std::string>> members, aliases, stop;
  std::string definition;  // a file that holds all of it
  bool dry_run = false;

  void declare_all(CLI::App& command, bool adds);
};

constexpr std::string_view taken_away = "none";

void NamedOptions::declare_all(CLI::App& command, bool adds) {
  const std::string goes = adds ? "" : "; none takes it away";
  ModelOptions::declare(command, "Its id: what clients call it");
  command.add_option("--file", file, "The GGUF file, for llama-server");
  command.add_option("--source", source,
                     "Where the GGUF file is fetched from, in place of --file: https://host/x.gguf or "
                     "hf:owner/repository/x.gguf; or the folder for vLLM, in place of --folder: hf:owner/repository");
  command.add_option("--sha256", sha256,
                     "Of that file; only a source on the hub may go without: the hub says it" + goes);
  command.add_option("--folder", folder, "The folder of safetensors, for vLLM");
  std::vector<std::string> devices{"host", "gpu"};
  if (!adds) devices.emplace_back(taken_away);
  command.add_option("--device", device, "Its memory: host (the machine's) or gpu" + goes)
      ->check(CLI::IsMember(devices));
  command.add_option("--name", name, "What people read" + goes);
  command.add_option("--concurrency", concurrency, "Places: how many it answers at once")
      ->transform(whole_number<std::uint32_t>());
  command.add_option("--context-tokens", context_tokens, "Longest conversation of each place")
      ->transform(whole_number<std::uint32_t>());
  command.add_option("--threads", threads, "Processor threads of its engine")->transform(whole_number<std::uint32_t>());
  command.add_option("--copies", copies, "The most engines of it at once, each in a memory of its own")
      ->transform(whole_number<std::uint32_t>());
  command.add_option("--chat-template-file", chat_template_file, "A template in place of the file's own" + goes);
  command.add_option("--adapters-folder", adapters_folder,
                     "For vLLM: adapters below this folder come and go without a new engine" + goes);
  add_either(command, "--embeddings,!--no-embeddings", embeddings, "It makes vectors and nothing else");
  add_either(command, "--rerank,!--no-rerank", rerank, "It ranks documents and nothing else");
  add_either(command, "--pinned,!--no-pinned", pinned, "Keep it in memory always");
  add_texts(
      command, "--member", members,
      std::string("A member that may use it and its adapters, and sees them, and nobody else; may be given again") +
          (adds ? ". Without: everybody" : ". Takes the place of all there were; none: it is everybody's"));
  add_texts(command, "--alias", aliases,
            std::string("Another name for it; may be given again") +
                (adds ? "" : ". Takes the place of all it had; none takes them away"));
  add_texts(command, "--stop", stop,
            std::string("A text that ends its answers; may be given again") + (adds ? "" : ". As --alias"));
  command.add_option("--url", url, "Of a model that another server runs: its address, with /v1");
  command.add_option("--upstream-model", upstream_model, "Its name there" + goes);
  command.add_option("--api-key-file", api_key_file, "Where the key for that server lies" + goes);
  command.add_option("--definition", definition,
                     "A JSON file with all keys of a model, paths from the root on; other options come on top");
  command.add_flag("--dry-run", dry_run, "Only say what it would need, and whether it fits");
}

struct AddOptions : NamedOptions {
  void declare(CLI::App& command) { declare_all(command, true); }
};

struct ChangeOptions : NamedOptions {
  void declare(CLI::App& command) { declare_all(command, false); }
};

// Keys and their JSON; empty: the key goes.
using Members = std::map<std::string, std::string, std::less<>>;

std::string as_json(const std::string& text) {
  std::string out;
  json::append_text(out, text);
  return out;
}

Members members_of(const NamedOptions& named) {
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
  list("members", named.members);
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
  const auto text = read_whole(path);
  if (!text) return fail(Errc::not_found, path + " cannot be read", "is it a file that is there, and may you read it?");
  json::Document document;
  const auto root = document.parse(*text);
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
  auto answer = control.call("GET", target_of(id));
  if (!answer && answer.error().code == Errc::not_found)
    return fail(Errc::not_found, "there is no model '" + id + "'", "'faelled model list --search' shows those like it");
  if (!answer) return std::unexpected(answer.error());
  json::Document document;
  const auto model = document.parse(*answer);
  const auto version = model ? model->find("version") : std::nullopt;
  const auto definition = model ? model->find("definition") : std::nullopt;
  if (!version || !definition) return std::unexpected(strange_answer("is no model"));
  Entry entry{*answer, std::string(version->raw()), {}};
  for (const json::Member member : definition->members())
    entry.definition[member.name.text().value_or("")] = std::string(member.value.raw());
  return entry;
}

std::string fit_text(const json::Value& fit) {
  const auto bytes = [&](const char* name) { return bytes_text(number_of(fit, name)); };
  if (number_of(fit, "bytes") == 0) return "fits: it takes no memory here\n";
  const std::string out = is(fit, "fits") ? "fits: yes\n" : fmt::format("fits: no, {}\n", text_of(fit, "why_not"));
  return out + fmt::format("needs: {} (weights {}, conversations {}, working memory {})\nmemory for models: {}\n",
                           bytes("bytes"), bytes("weights"), bytes("kv_cache"), bytes("working"), bytes("memory"));
}

// What its source says.
std::string offer_text(const json::Value& offer) {
  const std::string commit = text_of(offer, "commit"), sha256 = text_of(offer, "sha256"),
                    why = text_of(offer, "why_no_room");
  const std::string of_commit = commit.empty() ? "" : fmt::format("commit: {}\n", commit);
  if (is(offer, "here"))
    return of_commit.empty() ? "file: it is here already\n" : "folder: it is here already\n" + of_commit;
  const double size = number_of(offer, "bytes");
  std::string out =
      size > 0 ? fmt::format("to fetch: {}\n", bytes_text(size)) : std::string("to fetch: unknown size\n");
  if (!of_commit.empty())
    out += of_commit;
  else if (!sha256.empty())
    out += fmt::format("sha256: {}\n", sha256);
  if (!why.empty()) out += fmt::format("room on the disk: no, {}\n", why);
  return out;
}

int say(const Printing& printing, const Expected<std::string>& answer) {
  if (const int status = tell(printing, answer, {"id", "version"}); status != 0 || printing.json) return status;
  json::Document document;
  const auto root = document.parse(*answer);
  const auto fit = root ? root->find("fit") : std::nullopt;
  const auto offer = root ? root->find("offer") : std::nullopt;
  const bool fetched = offer && !offer->is_null();
  if (fetched && fit && fit->find("bytes") && number_of(*fit, "bytes") == 0) {
    std::cout << "fits: nobody knows before its file is here\n";
  } else if (fit) {
    std::cout << fit_text(*fit);
  }
  if (fetched) std::cout << offer_text(*offer);
  return 0;
}

std::string body_of(const Members& definition, const std::string& version, bool dry_run) {
  std::string body;
  json::Writer out(body);
  out.object().member_raw("definition", object_of(definition));
  if (!version.empty()) out.member_raw("version", version);
  if (dry_run) out.member("dry_run", true);
  out.close_object();
  return body;
}

int add(const Control& control, const AddOptions& o) {
  Members definition;
  if (!o.definition.empty()) {
    auto read = read_file(o.definition);
    if (!read) return complain(read.error());
    definition = std::move(*read);
  } else {
    const bool fetched_folder = o.source && !o.source->ends_with(".gguf");
    definition["engine"] = o.url ? R"("openai")" : o.folder || fetched_folder ? R"("vllm")" : R"("llama")";
  }
  definition["id"] = as_json(o.id);
  for (auto& [key, value] : members_of(o)) definition[key] = value;
  return say(o, control.call("POST", "/api/catalogue", body_of(definition, {}, o.dry_run)));
}

// Of a model that was added at run time. `mend`: what to do where it was not.
Expected<Entry> changeable(const Control& control, const std::string& id, const char* mend) {
  auto entry = entry_of(control, id);
  if (entry && entry->definition.empty())
    return fail(Errc::conflict, "the model '" + id + "' stands in the configuration file", mend);
  return entry;
}

int change(const Control& control, const ChangeOptions& o) {
  auto before = changeable(control, o.id, "change it there and start again");
  if (!before) return complain(before.error());
  Members definition = std::move(before->definition);
  if (!o.definition.empty()) {
    auto read = read_file(o.definition);
    if (!read) return complain(read.error());
    definition = std::move(*read);
    definition["id"] = as_json(o.id);
  }
  // The one takes the other's place.
  if ((o.file || o.folder) && !o.source) definition["source"] = definition["sha256"] = "";
  if (o.source && !o.file) definition["file"] = "";
  if (o.source && !o.folder) definition["folder"] = "";
  for (auto& [key, value] : members_of(o)) definition[key] = value;
  return say(o, control.call("PUT", target_of(o.id), body_of(definition, before->version, o.dry_run)));
}

struct AdapterOptions : ModelOptions {
  std::string name;

  void declare(CLI::App& command) {
    ModelOptions::declare(command, "The model's id");
    command.add_option("adapter", name, "The adapter's name")->required();
  }
};

struct AddAdapterOptions : AdapterOptions {
  std::optional<std::string> file, folder;
  std::vector<std::string> members, aliases;

  void declare(CLI::App& command) {
    AdapterOptions::declare(command);
    command.add_option("--file", file, "The adapter's GGUF file, for llama-server");
    command.add_option("--folder", folder,
                       "The folder with adapter_config.json and adapter_model.safetensors, for vLLM");
    add_texts(command, "--member", members,
              "A member that may use it, and sees it, and nobody else; may be given again. Without: everybody");
    add_texts(command, "--alias", aliases, "Another name for it; may be given again");
  }
};

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

Expected<std::string> adapter_of(const AddAdapterOptions& o) {
  if (o.file.has_value() == o.folder.has_value())
    return fail(Errc::invalid, "say where the adapter lies, once",
                "--file names a GGUF file, for llama-server, and --folder a folder, for vLLM");
  Members adapter{{"name", as_json(o.name)}};
  const auto path = std::filesystem::absolute(o.file ? *o.file : *o.folder).lexically_normal();
  adapter[o.file ? "file" : "folder"] = as_json(path.string());
  for (const auto& [key, values] : {std::pair("members", &o.members), std::pair("aliases", &o.aliases)}) {
    std::string texts;
    for (const std::string& value : *values) texts += (texts.empty() ? "[" : ",") + as_json(value);
    if (!texts.empty()) adapter[key] = texts + "]";
  }
  return object_of(adapter);
}

// `added`: none where the adapter goes.
int change_adapters(const Control& control, const AdapterOptions& o, const AddAdapterOptions* added) {
  auto before = changeable(control, o.id, "change its adapters there and start again");
  if (!before) return complain(before.error());
  std::string list;
  json::Writer out(list);
  out.array();
  const bool there = copy_others(out, before->definition, o.name);
  const std::string id = o.id + ":" + o.name;
  if (added != nullptr) {
    if (there)
      return complain(
          {Errc::exists, "there is an adapter '" + id + "' already", "remove it first, or choose another name"});
    const auto adapter = adapter_of(*added);
    if (!adapter) return complain(adapter.error());
    out.raw(*adapter);
  } else if (!there) {
    return complain({Errc::not_found, "there is no adapter '" + id + "'", "'faelled model list' shows all"});
  }
  out.close_array();
  before->definition["adapters"] = list == "[]" ? "" : list;
  return say(o, control.call("PUT", target_of(o.id), body_of(before->definition, before->version, false)));
}

int add_adapter(const Control& control, const AddAdapterOptions& o) { return change_adapters(control, o, &o); }

int remove_adapter(const Control& control, const AdapterOptions& o) { return change_adapters(control, o, nullptr); }

struct RemoveOptions : ModelOptions {
  bool delete_file = false;

  void declare(CLI::App& command) {
    ModelOptions::declare(command);
    command.add_flag("--delete-file", delete_file, "Remove what was fetched for it too, unless another model has it");
  }
};

int remove_model(const Control& control, const RemoveOptions& o) {
  return remove(control, o, target_of(o.id) + (o.delete_file ? "?delete_file=true" : ""), "removed: " + o.id);
}

std::string download_text(const json::Value& download) {
  const auto text = [&](const char* name) { return text_of(download, name); };
  const auto number = [&](const char* name) { return number_of(download, name); };
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
  if (number("kept") > 0)
    out += fmt::format(
        "kept: {} in {}, so that 'faelled model fetch' goes on with them; to free them remove the model, or that "
        "file\n",
        bytes_text(number("kept")), text("kept_in"));
  return out;
}

int show_one(const Control& control, const ModelOptions& o) {
  const auto entry = entry_of(control, o.id);
  if (!entry) return complain(entry.error());
  if (const int status = tell(o, entry->json, {"id", "version", "origin", "definition"}); status != 0 || o.json)
    return status;
  json::Document document;
  const auto root = document.parse(entry->json);
  const auto download = root ? root->find("download") : std::nullopt;
  if (download && !download->is_null()) std::cout << download_text(*download);
  return 0;
}

int fetch(const Control& control, const ModelOptions& o) {
  const auto answer = control.call("POST", target_of(o.id) + "/fetch");
  if (!answer || o.json) return tell(o, answer, {});
  json::Document document;
  if (const auto root = document.parse(*answer)) std::cout << download_text(*root);
  return 0;
}

}  // namespace

void add_catalogue(CLI::App& model, Invocation& invocation) {
  add_command<AddOptions>(model, "add",
                          "Take a model into the catalogue while the server runs; its file is looked at first",
                          invocation, add);
  add_command<ChangeOptions>(model, "change",
                             "Change a model that was added at run time; what is not named stays as it is", invocation,
                             change);
  CLI::App& adapter = *model.add_subcommand("adapter", "Adapters (LoRA) of a model: each is asked for as MODEL:NAME")
                           ->require_subcommand(1);
  add_command<AddAdapterOptions>(adapter, "add",
                                 "Give a model an adapter while the server runs; its file is looked at first",
                                 invocation, add_adapter);
  add_command<AdapterOptions>(adapter, "remove", "Take an adapter away from a model", invocation, remove_adapter);
  add_command<RemoveOptions>(model, "remove",
                             "Take a model out of the catalogue; what it answers it answers to the end", invocation,
                             remove_model);
  add_command<ModelOptions>(model, "fetch", "Fetch a model's file now, whatever failed before", invocation, fetch);
  add_command<ModelOptions>(model, "show",
                            "A model's version, where it comes from, its definition, and how its file comes",
                            invocation, show_one);
}

}  // namespace faelled::app
