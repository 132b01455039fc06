#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include "config/config.hpp"
#include "config/document.hpp"
#include "fetch/depot.hpp"

namespace faelled::config {
namespace fs = std::filesystem;
namespace {

constexpr const char* from_this_folder = "paths are taken from the folder of this file";

// One step from the root to a value: `key`, and in the list there `index`.
struct Step {
  const char* key;
  std::optional<std::size_t> index = {};
};

// Looks at what the configuration names, and notes what is not there, where it was named.
class Look {
 public:
  Look(std::string_view text, Parsed& parsed) : root_(YAML::Load(std::string(text))), parsed_(parsed) {}

  void file(const fs::path& path, int mode, const std::string& what, const char* hint, std::initializer_list<Step> at) {
    if (path.empty() || ::access(path.c_str(), mode) == 0) return;
    wrong(what + " " + path.string() + " cannot be read: " + std::strerror(errno), hint, at);
  }
  void wrong(std::string message, std::string hint, std::initializer_list<Step> at) {
    const YAML::Mark mark = mark_of(root_, {at.begin(), at.size()});
    Problem problem{.message = std::move(message), .hint = std::move(hint)};
    if (!mark.is_null()) {
      problem.line = static_cast<std::size_t>(mark.line) + 1;
      problem.column = static_cast<std::size_t>(mark.column) + 1;
    }
    parsed_.problems.push_back(std::move(problem));
  }

 private:
  // Of what is not there: of the nearest thing around it.
  static YAML::Mark mark_of(const YAML::Node& node, std::span<const Step> path) {
    if (path.empty()) return node.Mark();
    const YAML::Node child = node[path[0].key];
    if (!child.IsDefined()) return node.Mark();
    if (!path[0].index) return mark_of(child, path.subspan(1));
    const YAML::Node item = child[*path[0].index];
    return item.IsDefined() ? mark_of(item, path.subspan(1)) : child.Mark();
  }

  const YAML::Node root_;
  Parsed& parsed_;
};

// A server that fetches nothing has what it serves, or does not serve it.
void look_for_fetched(const Config& config, Look& look) {
  if (!config.downloads.offline) return;
  const fetch::Depot depot(config.data / "models");
  for (std::size_t i = 0; i < config.models.size(); ++i) {
    const Model& model = config.models[i];
    if (!model.source) continue;
    const auto sha256 = model.sha256 ? model.sha256 : depot.remembered(*model.source);
    if (sha256 && depot.find(*sha256)) continue;
    const std::string where = model.sha256 ? depot.place(*model.sha256, *model.source).string() : std::string();
    const bool folder = model.source->is_folder();
    look.wrong(std::string(folder ? "the folder" : "the file") + " of model '" + model.id +
                   "' is not here, and downloads.offline is true",
               folder          ? "let it be fetched once, or copy it here yourself and name it in folder"
               : where.empty() ? "say its sha256, or let it be fetched once"
                               : "copy it there yourself, as " + where,
               {{"models", i}, {"source"}});
  }
}

void look_for_model(const Model& model, std::size_t i, Look& look) {
  const std::string of = " of model '" + model.id + "'";
  look.file(model.file, R_OK, "the file" + of, from_this_folder, {{"models", i}, {"file"}});
  look.file(model.folder, R_OK | X_OK, "the folder" + of, from_this_folder, {{"models", i}, {"folder"}});
  look.file(model.chat_template_file, R_OK, "chat_template_file" + of, from_this_folder,
            {{"models", i}, {"chat_template_file"}});
  look.file(model.api_key_file, R_OK, "api_key_file" + of, from_this_folder, {{"models", i}, {"api_key_file"}});
  look.file(model.adapters_folder, R_OK | X_OK, "adapters_folder" + of, from_this_folder,
            {{"models", i}, {"adapters_folder"}});
  const bool llama = model.engine == Engine::llama;
  for (std::size_t j = 0; j < model.adapters.size(); ++j)
    look.file(model.adapters[j].path, llama ? R_OK : R_OK | X_OK, "adapter '" + model.adapters[j].name + "'" + of,
              from_this_folder, {{"models", i}, {"adapters", j}, {llama ? "file" : "folder"}});
}

// What the server makes itself, where it can.
void look_for_places(const Config& config, Look& look) {
  std::error_code code;
  if (fs::exists(config.data, code) && !fs::is_directory(config.data, code))
    look.wrong("data " + config.data.string() + " is no folder", "name a folder; one that is not there is made",
               {{"data"}});
  if (config.log.file.empty()) return;
  const fs::path folder = config.log.file.parent_path();
  if (fs::is_directory(config.log.file, code))
    look.wrong("log.file " + config.log.file.string() + " is a folder", "name a file in it", {{"log"}, {"file"}});
  else if (!fs::is_directory(folder, code))
    look.wrong("log.file " + config.log.file.string() + " cannot be written: there is no folder " + folder.string(),
               "make the folder, and let the user that runs faelled write there", {{"log"}, {"file"}});
}

void look_for_files(std::string_view text, Parsed& parsed) {
  const Config& config = parsed.config;
  Look look(text, parsed);
  look.file(config.llama_server, R_OK | X_OK, "llama_server", "it must be a program; ./run builds one",
            {{"llama_server"}});
  look.file(config.vllm, R_OK | X_OK, "vllm", "it must be a program; ./dev vllm installs one", {{"vllm"}});
  for (std::size_t i = 0; i < config.front_ends.size(); ++i)
    look.file(config.front_ends[i].token_secret_file, R_OK,
              "token.secret_file of front end '" + config.front_ends[i].name + "'", from_this_folder,
              {{"front_ends", i}, {"token"}, {"secret_file"}});
  look.file(config.store.password_file, R_OK, "store_password_file", "its first line is the password",
            {{"store_password_file"}});
  look.file(config.store.ca_file, R_OK, "store_ca_file", "a PEM file of who signed the database's certificate",
            {{"store_ca_file"}});
  look.file(config.downloads.token_file, R_OK, "downloads.token_file", "its first line is the hub's token",
            {{"downloads"}, {"token_file"}});
  look.file(config.downloads.ca_file, R_OK, "downloads.ca_file", "a PEM file of who signs for the mirror or proxy",
            {{"downloads"}, {"ca_file"}});
  look_for_places(config, look);
  look_for_fetched(config, look);
  for (std::size_t i = 0; i < config.models.size(); ++i) look_for_model(config.models[i], i, look);
  std::ranges::stable_sort(parsed.problems, {}, [](const Problem& one) { return std::pair(one.line, one.column); });
}

struct Read {
  std::string text;
  Parsed parsed;
};

Expected<Read> read(const fs::path& path) {
  auto text = read_text(path, "check the name; ./run writes one into its data folder");
  if (!text) return std::unexpected(std::move(text).error());
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  Parsed parsed = parse(*text, error ? path.parent_path() : absolute.parent_path());
  return Read{std::move(*text), std::move(parsed)};
}

constexpr const char* every_key = "docs/configuration.md describes every key";

}  // namespace

std::string describe(const Problem& problem, const std::string& file) {
  std::string line = file;
  if (problem.line) line += ":" + std::to_string(problem.line) + ":" + std::to_string(problem.column);
  line += ": " + problem.message;
  if (problem.line) line += " at line " + std::to_string(problem.line);
  if (!problem.hint.empty()) line += "; " + problem.hint;
  return line;
}

Expected<Parsed> parse_file(const fs::path& path) {
  auto file = read(path);
  if (!file) return std::unexpected(std::move(file).error());
  return std::move(file->parsed);
}

Expected<Parsed> look_at_file(const fs::path& path) {
  auto file = read(path);
  if (!file) return std::unexpected(std::move(file).error());
  if (file->parsed.problems.empty()) look_for_files(file->text, file->parsed);
  return std::move(file->parsed);
}

Expected<Config> load(const fs::path& path) {
  auto parsed = look_at_file(path);
  if (!parsed) return std::unexpected(std::move(parsed).error());
  if (parsed->problems.empty()) return std::move(parsed->config);
  return fail(Errc::invalid, describe(parsed->problems, path), every_key);
}

Expected<fs::path> data_folder(const fs::path& path) {
  auto parsed = parse_file(path);
  if (!parsed) return std::unexpected(std::move(parsed).error());
  if (!parsed->config.data.empty()) return std::move(parsed->config.data);
  return fail(Errc::invalid, describe(parsed->problems, path), every_key);
}

}  // namespace faelled::config
