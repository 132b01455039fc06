// Names that are moved from model to model while the server runs.
#include <iostream>

#include "command.hpp"
#include "complain.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"
#include "option_values.hpp"

namespace faelled::app {
namespace {

struct Wish {
  std::optional<std::string> owner, lane;
  std::optional<bool> listed;
  std::optional<std::uint64_t> version;
};

const std::vector<std::string> columns{"name", "model", "moving_to", "previous", "owner", "lane", "version", "detail"};

// The version that is there now, for whoever did not name the one that was seen; nothing: there is no such alias.
Expected<std::optional<std::uint64_t>> version_of(const Control& control, const std::string& name) {
  const auto answer = control.call("GET", "/api/aliases");
  if (!answer) return std::unexpected(answer.error());
  json::Document document;
  const auto root = document.parse(*answer);
  const auto all = root ? root->find("aliases") : std::nullopt;
  if (!all) return fail(Errc::io, "the server's answer has no aliases", "is it of the same version as this program?");
  for (const json::Value alias : all->items())
    if (alias.find("name") && alias.find("name")->text_is(name))
      return static_cast<std::uint64_t>(alias.find("version")->integer().value_or(0));
  return std::nullopt;
}

int send(const Control& control, const Options& options, const Wish& wish, bool back) {
  std::optional<std::uint64_t> version = wish.version;
  if (!version) {
    auto now = version_of(control, options.name);
    if (!now) return complain(now.error());
    if (back && !*now)
      return complain({Errc::not_found, "there is no alias '" + options.name + "'", "'faelled alias list' shows all"});
    version = *now;
  }
  std::string body;
  json::Writer out(body);
  out.object();
  if (!back) out.member("model", options.id);
  if (wish.owner) out.member("owner", *wish.owner);
  if (wish.lane) out.member("lane", *wish.lane);
  if (wish.listed) out.member("listed", *wish.listed);
  if (version) out.member("version", *version);
  out.close_object();
  const std::string target = "/api/aliases/" + percent_encoded(options.name);
  return tell(options, control.call(back ? "POST" : "PUT", back ? target + "/rollback" : target, body), columns);
}

}  // namespace

void add_aliases(CLI::App& app, std::string& config, int& status) {
  auto* alias = app.add_subcommand("alias", "Names that are moved from model to model while the server runs")
                    ->require_subcommand(1);
  Command(*alias, "list", "All of them: what each means, will mean, and meant before", config, status,
          [](const Control& c, const Options& o) { return show(c, o, "/api/aliases", "aliases", columns); });
  auto wish = std::make_shared<Wish>();
  const auto with_owner = [wish](Command& command) {
    command->add_option("--owner", wish->owner, "Whose it is: named by whoever moves it later");
    command->add_option("--version", wish->version, "Only if it still has this one; otherwise the one of now")
        ->transform(whole_number<std::uint64_t>());
  };
  Command set(
      *alias, "set",
      "Let a name mean a model: at once if it is new; otherwise the model is loaded, and the name moves when it is "
      "ready",
      config, status, [wish](const Control& c, const Options& o) { return send(c, o, *wish, false); });
  set->add_option("alias", set.options().name, "The name that clients ask for")->required();
  set->add_option("model", set.options().id, "The model that it is to mean, or an adapter: MODEL:ADAPTER")->required();
  set->add_option("--lane", wish->lane, "batch: work that nobody waits for")
      ->check(CLI::IsMember({"interactive", "batch"}));
  add_either(set, "--listed,!--not-listed", wish->listed, "Whether it stands in the list of models");
  with_owner(set);
  Command back(*alias, "rollback",
               "Back to the model that it meant before; a move that has not happened yet is called off", config, status,
               [wish](const Control& c, const Options& o) { return send(c, o, *wish, true); });
  back->add_option("alias", back.options().name, "The name")->required();
  with_owner(back);
  Command removes(*alias, "remove", "Whoever asks for the name is told that there is no such model", config, status,
                  [](const Control& c, const Options& o) {
                    const auto gone = c.call("DELETE", "/api/aliases/" + percent_encoded(o.name));
                    if (!gone) return complain(gone.error());
                    if (!o.json) std::cout << "removed: " << o.name << "\n";
                    return 0;
                  });
  removes->add_option("alias", removes.options().name, "The name")->required();
}

}  // namespace faelled::app
