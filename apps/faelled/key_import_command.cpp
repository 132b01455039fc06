#include "key_import_command.hpp"

#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "base/limits.hpp"
#include "complain.hpp"
#include "contents.hpp"
#include "control.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"
#include "key_import/key_file.hpp"
#include "option_values.hpp"
#include "portal/render.hpp"
#include "table.hpp"

namespace faelled::app {
namespace {

struct Options {
  bool json = false;
  bool apply = false;
  bool ignore_models = false;
  std::string file, member;
  std::vector<std::string> teams, users;
};

// "OLD=member", each once.
Expected<void> write_map(json::Writer& out, std::string_view name, const std::vector<std::string>& pairs) {
  std::map<std::string, std::string> map;
  for (const std::string& pair : pairs) {
    const std::size_t equals = pair.rfind('=');  // a member's id has none
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size())
      return fail(Errc::invalid, fmt::format("'{}' says no member", pair), "write it as OLD=MEMBER");
    if (!map.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second)
      return fail(Errc::invalid, fmt::format("'{}' stands twice", pair.substr(0, equals)), "keep one of the two");
  }
  out.key(name).object();
  for (const auto& [from, to] : map) out.member(from, to);
  out.close_object();
  return {};
}

Expected<std::string> request_of(const Options& options, const key_import::KeyFile& file, bool apply) {
  std::string body;
  json::Writer out(body);
  out.object().member("apply", apply);
  if (!options.member.empty()) out.member("default_member", options.member);
  if (auto ok = write_map(out, "teams", options.teams); !ok) return std::unexpected(ok.error());
  if (auto ok = write_map(out, "users", options.users); !ok) return std::unexpected(ok.error());
  out.key("keys").array();
  for (const key_import::OldKey& key : file.keys) {
    out.object().member("line", key.line).member("hash", crypto::hex(key.hash)).member("name", key.name);
    for (const auto& [name, text] : {std::pair("member", &key.member), std::pair("team", &key.team),
                                     std::pair("user", &key.user), std::pair("email", &key.email)})
      if (!text->empty()) out.member(name, *text);
    if (key.expires_at) out.member("expires_at", portal::time_text(*key.expires_at));
    if (key.blocked) out.member("blocked", true);
    out.close_object();
  }
  out.close_array().close_object();
  return body;
}

std::int64_t count(const json::Value& plan, std::string_view verdict) {
  const auto counts = plan.find("counts");
  const auto value = counts ? counts->find(verdict) : std::nullopt;
  return value ? value->integer().value_or(0) : 0;
}

// What will be or was done, in one line.
std::string sum_of(const json::Value& plan, std::size_t bad) {
  const std::int64_t blocked = count(plan, "add_blocked"), added = count(plan, "add") + blocked;
  const auto applied = plan.find("applied");
  const bool done = applied && applied->boolean().value_or(false);
  std::string sum = fmt::format("{} {} {}", added, added == 1 ? "key" : "keys", done ? "added" : "to add");
  if (blocked > 0) sum += fmt::format(" ({} of them blocked, and so revoked)", blocked);
  sum += fmt::format(", {} here already, {} expired and left out, {} bad.", count(plan, "here"),
                     count(plan, "left_out"), bad);
  return sum;
}

int import(const Control& control, const Options& options) {
  auto text = contents_of(options.file, limits::key_file_bytes_max);
  if (!text) return complain(text.error());
  using key_import::ModelLists;
  auto file = key_import::read_key_file(*text, options.ignore_models ? ModelLists::ignored : ModelLists::refused);
  if (!file) return complain({file.error().code, options.file + ": " + file.error().message, file.error().hint});
  // With a bad line nothing is done; the rest is shown all the same.
  auto body = request_of(options, *file, options.apply && file->bad.empty());
  if (!body) return complain(body.error());
  auto answer = control.call("POST", "/api/keys/import", std::move(*body));
  if (!answer) return complain(answer.error());
  json::Document document;
  const auto plan = document.parse(*answer);
  if (!plan)
    return complain({Errc::io, "the server's answer is no JSON", "is it of the same version as this program?"});
  std::cout << (options.json ? *answer + "\n"
                             : table_of(*answer, "keys", {"line", "name", "member", "user", "verdict", "why"}));
  for (const key_import::BadLine& bad : file->bad)
    std::cerr << fmt::format("{}:{}: {}\n", options.file, bad.line, bad.message);
  for (const std::string& note : file->notes) std::cerr << "note: " << note << "\n";
  const std::size_t bad = file->bad.size() + static_cast<std::size_t>(count(*plan, "bad"));
  std::ostream& words = options.json ? std::cerr : std::cout;
  words << sum_of(*plan, bad) << "\n";
  if (bad > 0)
    return complain(
        {Errc::invalid, "nothing was changed", "mend the bad lines or take them out of the file, and try again"});
  if (!options.apply) words << "Nothing was changed; the same with --apply does it.\n";
  return 0;
}

}  // namespace

void add_key_import(CLI::App& key, std::string& config, int& status) {
  const auto options = std::make_shared<Options>();
  auto* command = key.add_subcommand(
      "import", "Take in the keys of another gateway (LiteLLM's table or list, or a CSV), so that no client changes");
  command->add_option("FILE", options->file, "CSV with a heading, or JSON; - reads standard input")->required();
  command->add_flag("--apply", options->apply, "Do it; without it only what would be done is shown");
  add_texts(*command, "--team", options->teams, "OLD=MEMBER: whose keys a team's are; may be given many times");
  add_texts(*command, "--user", options->users, "OLD=MEMBER: whose keys a user's are, where the team does not say");
  command->add_option("--member", options->member, "The member of keys that neither says");
  command->add_flag("--ignore-models", options->ignore_models,
                    "Take in keys that were held to certain models too: here each opens all that its member may use. "
                    "Without it their lines are bad, and nothing is changed");
  command
      ->add_option("--config", config,
                   "The running server's configuration file (also FAELLED_CONFIG); its data folder holds the socket")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print the server's answer as JSON");
  command->callback([options, &config, &status] {
    auto control = Control::of(config);
    status = control ? import(*control, *options) : complain(control.error());
  });
}

}  // namespace faelled::app
