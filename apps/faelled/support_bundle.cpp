#include "support_bundle.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include "base/limits.hpp"
#include "base/time_text.hpp"
#include "base/whole_file.hpp"
#include "complain.hpp"
#include "control.hpp"
#include "doctor_commands.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"

namespace faelled::app {
namespace {

// Of a log line; peer, member, user and key name somebody, and a cause is in the words of whoever failed: "cannot
// connect to 10.1.2.3:8000", or a database's with user and host.
constexpr std::array<std::string_view, 17> telling{"time",   "level",   "message", "request_id", "model",    "engine",
                                                   "status", "pid",     "signal",  "outcome",    "restarts", "code",
                                                   "times",  "version", "load_ms", "state",      "exit"};

std::string section(std::string_view title, std::string_view text) {
  std::string out = fmt::format("\n===== {} =====\n{}", title, text);
  if (!out.ends_with('\n')) out += '\n';
  return out;
}

std::string machine() {
  utsname info{};
  ::uname(&info);
  std::string release;
  std::ifstream in("/etc/os-release");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("PRETTY_NAME=")) release = line.substr(12);
  return fmt::format("{} {} {}\n{}\n{} processors\n", info.sysname, info.release, info.machine, release,
                     ::sysconf(_SC_NPROCESSORS_ONLN));
}

// What of GET /api/models names nobody: not `detail`, with paths and addresses.
std::string models_told(const std::string& body) {
  constexpr std::array<std::string_view, 9> told{
      "id", "state", "ready_in_s", "context_tokens", "places", "running", "waiting", "embeddings", "demo"};
  json::Document document;
  const auto root = document.parse(body);
  const auto models = root ? root->find("models") : std::nullopt;
  if (!models) return body;  // why they are not to be had
  std::string out;
  for (const json::Value model : models->items()) {
    json::Writer writer(out);
    writer.object();
    for (const std::string_view name : told)
      if (const auto value = model.find(name)) writer.key(name).raw(value->raw());
    writer.close_object();
    out += '\n';
  }
  return out;
}

// Of an address that is not told.
std::string_view reach_of(std::string_view host) {
  if (host == "0.0.0.0" || host == "::") return "everywhere";
  return host.starts_with("127.") || host == "::1" ? "here" : "on one address";
}

std::string asked(const Expected<Control>& control, const std::string& target) {
  auto body = control->call("GET", target);
  return body ? *body : "not to be had: " + body.error().message;
}

}  // namespace

std::string described(const config::Config& config) {
  std::string out = fmt::format(
      "listen {}, port {}\npublic_url {}\nmembers {}, users {}, keys {} in the file\nlog {} at level {}\nmodels {}\n",
      reach_of(config.listen.host), config.listen.port, config.public_url.empty() ? "not set" : "set",
      config.members.size(), config.users.size(), config.keys.size(),
      config.log.file.empty() ? "to standard error" : "to a file", static_cast<int>(config.log.level),
      config.models.size());
  for (const config::Model& model : config.models)
    out += fmt::format("  {} {} places {} context {} threads {}{}\n", model.id, config::name_of(model.engine),
                       model.concurrency, model.context_tokens, model.threads, model.embeddings ? " embeddings" : "");
  const config::Limits& limits = config.limits;
  out += fmt::format("limits wait {} total {} silence {} connections {} waiting {} body_mib {}\n",
                     to_millis(limits.wait), to_millis(limits.total), to_millis(limits.silence), limits.connections,
                     limits.waiting, limits.body_bytes >> 20);
  return out;
}

std::string without_paths(std::string_view text) {
  constexpr std::string_view begins_behind = " \n'\"(=", ends_at = " \n'\",;:)";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const bool begins = text[at] == '/' && (at == 0 || begins_behind.contains(text[at - 1]));
    const std::size_t end = begins ? std::min(text.find_first_of(ends_at, at), text.size()) : at + 1;
    const std::string_view piece = text.substr(at, end - at);
    const bool systems = piece.starts_with("/dev/") || piece.starts_with("/proc/") || piece.starts_with("/sys/");
    out += begins && !systems ? "(a path)" : piece;
    at = end;
  }
  return out;
}

std::string log_lines(std::string_view log) {
  json::Document document;
  std::string out;
  std::size_t strange = 0;
  while (!log.empty()) {
    const std::size_t end = std::min(log.find('\n'), log.size());
    const std::string_view line = log.substr(0, end);
    log.remove_prefix(std::min(end + 1, log.size()));
    const auto root = document.parse(line);
    if (!root || root->kind() != json::Kind::object) {
      strange += line.empty() ? 0 : 1;
      continue;
    }
    json::Writer writer(out);
    writer.object();
    std::string scratch;
    for (const auto [name, value] : root->members()) {
      const std::string_view field = name.text_view(scratch);
      if (std::ranges::find(telling, field) != telling.end()) writer.key(field).raw(value.raw());
    }
    writer.close_object();
    out += '\n';
  }
  if (strange > 0) out += fmt::format("({} lines that are none of the log's own)\n", strange);
  return out;
}

int write_support_bundle(const std::string& config_file, const std::string& file, const std::string& version) {
  auto parsed = config::look_at_file(config_file);
  if (!parsed) return complain(parsed.error());
  const config::Config* config = &parsed->config;
  const auto control = Control::of(config_file);
  if (!control) return complain(control.error());
  std::string text = fmt::format(
      "Support bundle of faelled {}, {}\nRead it before you send it. It holds no prompt, answer, key, member, person "
      "or "
      "address.\n",
      version, time_text(SystemClock().wall()));
  text += section("machine", machine());
  // Without the words: they may hold names and addresses.
  std::string wrong;
  for (const config::Problem& problem : parsed->problems) wrong += fmt::format("line {}\n", problem.line);
  if (!wrong.empty()) text += section("mistakes in the configuration, as faelled check tells them", wrong);
  text += section("doctor", without_paths(findings_text(examine(*config, config_file))));
  text += section("configuration, as the server understood it", described(*config));
  text += section("readyz", asked(control, "/readyz"));
  text += section("models", models_told(asked(control, "/api/models")));
  text += section("metrics", asked(control, "/metrics"));
  text += section("log", config->log.file.empty()
                             ? "goes to standard error: add the lines of your journal if you are asked for them"
                             : log_lines(read_tail(config->log.file, limits::support_log_bytes_max).value_or("")));
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return complain(
        {Errc::io, file + " cannot be written: " + std::strerror(errno), "choose a name that is not taken"});
  const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (::close(fd) != 0 || !whole) {
    ::unlink(file.c_str());
    return complain({Errc::io, file + " could not be written whole", "free some space"});
  }
  std::cout << file << ": " << text.size() / 1024 << " KiB of plain text. Read it before you send it.\n";
  return 0;
}

}  // namespace faelled::app
