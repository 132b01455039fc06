// Names that are moved from model to model while the server runs.
#include "answer.hpp"
#include "command.hpp"
#include "command_groups.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"
#include "option_values.hpp"

namespace faelled::app {
namespace {

const std::vector<std::string> columns{"name", "model", "moving_to", "previous", "owner", "lane", "version", "detail"};

int list(const Control& control, const Printing& printing) {
  return show(control, printing, "/api/aliases", "aliases", columns);
}

struct AliasOptions : Printing {
  std::string alias;

  void declare(CLI::App& command, const char* help = "The name") {
    command.add_option("alias", alias, help)->required();
  }
  std::string target() const { return "/api/aliases/" + percent_encoded(alias); }
};

struct MoveOptions : AliasOptions {
  std::optional<std::string> owner;
  std::optional<std::uint64_t> version;  // the one that was seen

  void declare_rest(CLI::App& command) {
    command.add_option("--owner", owner, "Whose it is: named by whoever moves it later");
    command.add_option("--version", version, "Only if it still has this one; otherwise the one of now")
        ->transform(whole_number<std::uint64_t>());
  }
};

// The version that is there now, for whoever did not name the one that was seen; nothing: there is no such alias.
Expected<std::optional<std::uint64_t>> version_of(const Control& control, const MoveOptions& o) {
  if (o.version) return o.version;
  const auto answer = control.call("GET", "/api/aliases");
  if (!answer) return std::unexpected(answer.error());
  json::Document document;
  const auto root = document.parse(*answer);
  const auto all = root ? root->find("aliases") : std::nullopt;
  if (!all) return std::unexpected(strange_answer("has no aliases"));
  for (const json::Value alias : all->items()) {
    if (text_of(alias, "name") != o.alias) continue;
    const auto version = alias.find("version");
    return static_cast<std::uint64_t>(version ? version->integer().value_or(0) : 0);
  }
  return std::nullopt;
}

struct SetOptions : MoveOptions {
  std::string model;
  std::optional<std::string> lane;
  std::optional<bool> listed;

  void declare(CLI::App& command) {
    AliasOptions::declare(command, "The name that clients ask for");
    command.add_option("model", model, "The model that it is to mean, or an adapter: MODEL:ADAPTER")->required();
    command.add_option("--lane", lane, "batch: work that nobody waits for")
        ->check(CLI::IsMember({"interactive", "batch"}));
    add_either(command, "--listed,!--not-listed", listed, "Whether it stands in the list of models");
    declare_rest(command);
  }
};

int set(const Control& control, const SetOptions& o) {
  const auto version = version_of(control, o);
  if (!version) return complain(version.error());
  std::string body;
  json::Writer out(body);
  out.object().member("model", o.model);
  if (o.owner) out.member("owner", *o.owner);
  if (o.lane) out.member("lane", *o.lane);
  if (o.listed) out.member("listed", *o.listed);
  if (*version) out.member("version", **version);
  out.close_object();
  return tell(o, control.call("PUT", o.target(), body), columns);
}

struct RollbackOptions : MoveOptions {
  void declare(CLI::App& command) {
    AliasOptions::declare(command);
    declare_rest(command);
  }
};

int roll_back(const Control& control, const RollbackOptions& o) {
  const auto version = version_of(control, o);
  if (!version) return complain(version.error());
  if (!*version)
    return complain({Errc::not_found, "there is no alias '" + o.alias + "'", "'faelled alias list' shows all"});
  std::string body;
  json::Writer out(body);
  out.object();
  if (o.owner) out.member("owner", *o.owner);
  out.member("version", **version).close_object();
  return make(control, o, o.target() + "/rollback", body, columns);
}

int remove_alias(const Control& control, const AliasOptions& o) {
  return remove(control, o, o.target(), "removed: " + o.alias);
}

}  // namespace

void add_aliases(CLI::App& app, Invocation& invocation) {
  CLI::App& alias = *app.add_subcommand("alias", "Names that are moved from model to model while the server runs")
                         ->require_subcommand(1);
  add_command<Printing>(alias, "list", "All of them: what each means, will mean, and meant before", invocation, list);
  add_command<SetOptions>(
      alias, "set",
      "Let a name mean a model: at once if it is new; otherwise the model is loaded, and the name moves when it is "
      "ready",
      invocation, set);
  add_command<RollbackOptions>(alias, "rollback",
                               "Back to the model that it meant before; a move that has not happened yet is called off",
                               invocation, roll_back);
  add_command<AliasOptions>(alias, "remove", "Whoever asks for the name is told that there is no such model",
                            invocation, remove_alias);
}

}  // namespace faelled::app
