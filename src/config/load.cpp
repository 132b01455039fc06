#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "config/config.hpp"
#include "config/document.hpp"
#include "fetch/depot.hpp"

namespace faelled::config {
namespace fs = std::filesystem;
namespace {

// The line of the file where `value` stands, so that a missing file is shown where it was named.
Problem missing(std::string_view text, const fs::path& file, const std::string& what, const char* hint) {
  const int cause = errno;
  Problem problem{.message = what + " " + file.string() + " cannot be read: " + std::strerror(cause), .hint = hint};
  const auto at = text.find(file.filename().string());
  if (at != std::string_view::npos) {
    const auto before = text.substr(0, at);
    problem.line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
    const auto line_start = before.rfind('\n');
    problem.column = at - (line_start == std::string_view::npos ? 0 : line_start + 1) + 1;
  }
  return problem;
}

// A server that fetches nothing has what it serves, or does not serve it.
void look_for_fetched(std::string_view text, Parsed& parsed) {
  if (!parsed.config.downloads.offline) return;
  const fetch::Depot depot(parsed.config.data / "models");
  for (const Model& model : parsed.config.models) {
    if (!model.source) continue;
    const auto sha256 = model.sha256 ? model.sha256 : depot.remembered(*model.source);
    if (sha256 && depot.find(*sha256)) continue;
    errno = ENOENT;
    const std::string where = model.sha256 ? depot.place(*model.sha256, *model.source).string() : std::string();
    Problem problem = missing(text, model.source->text, "the source of model '" + model.id + "'", "");
    problem.message = "the file of model '" + model.id + "' is not here, and downloads.offline is true";
    problem.hint = where.empty() ? "say its sha256, or let it be fetched once" : "copy it there yourself, as " + where;
    parsed.problems.push_back(std::move(problem));
  }
}

void look_for_files(std::string_view text, Parsed& parsed) {
  const auto look = [&](const fs::path& file, int mode, const std::string& what, const char* hint) {
    if (!file.empty() && ::access(file.c_str(), mode) != 0) parsed.problems.push_back(missing(text, file, what, hint));
  };
  look(parsed.config.llama_server, R_OK | X_OK, "llama_server", "it must be a program; ./run builds one");
  look(parsed.config.vllm, R_OK | X_OK, "vllm", "it must be a program; ./dev vllm installs one");
  for (const auto& front_end : parsed.config.front_ends)
    look(front_end.token_secret_file, R_OK, "token.secret_file of front end '" + front_end.name + "'",
         "paths are taken from the folder of this file");
  look(parsed.config.store.password_file, R_OK, "store_password_file", "its first line is the password");
  look(parsed.config.store.ca_file, R_OK, "store_ca_file", "a PEM file of who signed the database's certificate");
  look(parsed.config.downloads.token_file, R_OK, "downloads.token_file", "its first line is the hub's token");
  look(parsed.config.downloads.ca_file, R_OK, "downloads.ca_file", "a PEM file of who signs for the mirror or proxy");
  look_for_fetched(text, parsed);
  for (const auto& model : parsed.config.models) {
    const std::string of = " of model '" + model.id + "'";
    look(model.file, R_OK, "the file" + of, "paths are taken from the folder of this file");
    look(model.folder, R_OK | X_OK, "the folder" + of, "paths are taken from the folder of this file");
    look(model.chat_template_file, R_OK, "chat_template_file" + of, "paths are taken from the folder of this file");
    look(model.api_key_file, R_OK, "api_key_file" + of, "paths are taken from the folder of this file");
  }
}

}  // namespace

std::string describe(const Problem& problem, const std::string& file) {
  std::string line = file;
  if (problem.line) line += ":" + std::to_string(problem.line) + ":" + std::to_string(problem.column);
  line += ": " + problem.message;
  if (problem.line) line += " at line " + std::to_string(problem.line);
  if (!problem.hint.empty()) line += "; " + problem.hint;
  return line;
}

Expected<Config> load(const fs::path& path) {
  auto text = read_text(path, "check the name; ./run writes one into its data folder");
  if (!text) return std::unexpected(std::move(text).error());
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  Parsed parsed = parse(*text, error ? path.parent_path() : absolute.parent_path());
  if (parsed.problems.empty()) look_for_files(*text, parsed);
  if (parsed.problems.empty()) return std::move(parsed.config);
  return fail(Errc::invalid, describe(parsed.problems, path), "docs/configuration.md describes every key");
}

}  // namespace faelled::config
