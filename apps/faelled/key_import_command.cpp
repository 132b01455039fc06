// faelled key import: the keys of another gateway, first shown and then taken in.
#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "answer.hpp"
#include "base/limits.hpp"
#include "base/time_text.hpp"
#include "command.hpp"
#include "command_groups.hpp"
#include "contents.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"
#include "key_import/key_file.hpp"
#include "option_values.hpp"
#include "table.hpp"

namespace faelled::app {
namespace {

struct ImportOptions : Printing {
  std::string file, member;
  bool apply = false;
  bool ignore_models = false;
  std::vector<std::string> teams, users;

  void declare(CLI::App& command) {
    command.add_option("FILE", file, "CSV with a heading, or JSON; - reads standard input")->required();
    command.add_flag("--apply", apply, "Do it; without it only what would be done is shown");
    add_texts(command, "--team", teams, "OLD=MEMBER: whose keys a team's are; may be given many times");
    add_texts(command, "--user", users, "OLD=MEMBER: whose keys a user's are, where the team does not say");
    command.add_option("--member", member, "The member of keys that neither says");
    command.add_flag("--ignore-models", ignore_models,
                     "Take in keys that were held to certain models too: here each opens all that its member may use. "
                     "Without it their lines are bad, and nothing is changed");
  }
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

Expected<std::string> request_of(const ImportOptions& o, const key_import::KeyFile& file, bool apply) {
  std::string body;
  json::Writer out(body);
  out.object().member("apply", apply);
  if (!o.member.empty()) out.member("default_member", o.member);
  if (auto ok = write_map(out, "teams", o.teams); !ok) return std::unexpected(ok.error());
  if (auto ok = write_map(out, "users", o.users); !ok) return std::unexpected(ok.error());
  out.key("keys").array();
  for (const key_import::OldKey& key : file.keys) {
    out.object().member("line", key.line).member("hash", crypto::hex(key.hash)).member("name", key.name);
    for (const auto& [name, text] : {std::pair("member", &key.member), std::pair("team", &key.team),
                                     std::pair("user", &key.user), std::pair("email", &key.email)})
      if (!text->empty()) out.member(name, *text);
    if (key.expires_at) out.member("expires_at", time_text(*key.expires_at));
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
  std::string sum =
      fmt::format("{} {} {}", added, added == 1 ? "key" : "keys", is(plan, "applied") ? "added" : "to add");
  if (blocked > 0) sum += fmt::format(" ({} of them blocked, and so revoked)", blocked);
  sum += fmt::format(", {} here already, {} expired and left out, {} bad.", count(plan, "here"),
                     count(plan, "left_out"), bad);
  return sum;
}

int import(const Control& control, const ImportOptions& o) {
  auto text = contents_of(o.file, limits::key_file_bytes_max);
  if (!text) return complain(text.error());
  using key_import::ModelLists;
  auto file = key_import::read_key_file(*text, o.ignore_models ? ModelLists::ignored : ModelLists::refused);
  if (!file) return complain({file.error().code, o.file + ": " + file.error().message, file.error().hint});
  // With a bad line nothing is done; the rest is shown all the same.
  auto body = request_of(o, *file, o.apply && file->bad.empty());
  if (!body) return complain(body.error());
  auto answer = control.call("POST", "/api/keys/import", std::move(*body));
  if (!answer) return complain(answer.error());
  json::Document document;
  const auto plan = document.parse(*answer);
  if (!plan) return complain(strange_answer("is no JSON"));
  std::cout << (o.json ? *answer + "\n"
                       : table_of(*answer, "keys", {"line", "name", "member", "user", "verdict", "why"}));
  for (const key_import::BadLine& bad : file->bad)
    std::cerr << fmt::format("{}:{}: {}\n", o.file, bad.line, bad.message);
  for (const std::string& note : file->notes) std::cerr << "note: " << note << "\n";
  const std::size_t bad = file->bad.size() + static_cast<std::size_t>(count(*plan, "bad"));
  std::ostream& words = o.json ? std::cerr : std::cout;
  words << sum_of(*plan, bad) << "\n";
  if (bad > 0)
    return complain(
        {Errc::invalid, "nothing was changed", "mend the bad lines or take them out of the file, and try again"});
  if (!o.apply) words << "Nothing was changed; the same with --apply does it.\n";
  return 0;
}

}  // namespace

void add_key_import(CLI::App& key, Invocation& invocation) {
  CLI::App& command = *key.add_subcommand(
      "import", "Take in the keys of another gateway (LiteLLM's table or list, or a CSV), so that no client changes");
  const auto options = std::make_shared<ImportOptions>();
  options->declare(command);
  connect(command, invocation, *options, [options](const Control& control) { return import(control, *options); });
}

}  // namespace faelled::app
