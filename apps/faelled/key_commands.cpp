#include <fmt/format.h>

#include <iostream>

#include "command.hpp"
#include "json/writer.hpp"
#include "key_import_command.hpp"

namespace faelled::app {
namespace {

constexpr const char* key_id = "The key's id, as 'faelled key list' shows it";
constexpr const char* time_help = "2027-01-01 or 2027-01-01T12:00:00Z";

int edit(const Control& control, const Options& o) {
  std::string body;
  json::Writer out(body);
  out.object();
  if (!o.name.empty()) out.member("name", o.name);
  if (o.models == "all") {
    out.member("models", nullptr);
  } else if (!o.models.empty()) {
    write_list(out, "models", o.models);
  }
  if (!o.show_waiting.empty()) out.member("show_waiting", o.show_waiting);
  if (!o.expires.empty()) out.member_or_null("expires_at", o.expires == "never" ? "" : o.expires);
  out.close_object();
  return tell(o, control.call("PATCH", "/api/keys/" + percent_encoded(o.id), body),
              {"id", "name", "models", "show_waiting", "expires_at"});
}

int rotate(const Control& control, const Options& o) {
  std::string body;
  json::Writer out(body);
  out.object();
  if (!o.until.empty()) out.member("old_works_until", o.until);
  if (!o.expires.empty()) out.member("expires_at", o.expires);
  out.close_object();
  return make(control, o, fmt::format("/api/keys/{}/rotate", percent_encoded(o.id)), body,
              {"id", "secret", "expires_at", "rotated_from"});
}

}  // namespace

void add_keys(CLI::App& app, std::string& config, int& status) {
  auto* key = app.add_subcommand("key", "API keys")->require_subcommand(1);
  Command(*key, "list", "All keys; secrets are never shown again", config, status,
          [](const Control& c, const Options& o) {
            return show(c, o, "/api/keys?limit=500", "keys",
                        {"id", "member", "user", "name", "created_at", "expires_at", "revoked_at", "last_used_at"},
                        "after");
          });
  Command add(*key, "add", "Make a key; its secret is shown once", config, status,
              [](const Control& c, const Options& o) {
                std::string body;
                json::Writer out(body);
                out.object().member("member", o.member).member("name", o.name);
                if (!o.user.empty()) out.member("user", o.user);
                if (!o.expires.empty()) out.member("expires_at", o.expires);
                if (!o.models.empty() && o.models != "all") write_list(out, "models", o.models);
                if (!o.show_waiting.empty()) out.member("show_waiting", o.show_waiting);
                out.close_object();
                return make(c, o, "/api/keys", body, {"id", "secret"});
              });
  add->add_option("--member", add.options().member, "The member's id")->required();
  add->add_option("--name", add.options().name, "What the key is for")->required();
  add->add_option("--user", add.options().user, "The user whose key it is; none: the member's own");
  add->add_option("--expires", add.options().expires,
                  std::string(time_help) + "; none: as late as the member's policy lets it, or never");
  add->add_option("--models", add.options().models, "Only these: ids with commas between");
  add->add_option("--show-waiting", add.options().show_waiting, "Place in line as reasoning: off, da or en");
  Command change(*key, "edit", "Change a key's name, models, waiting or end", config, status, edit);
  change->add_option("ID", change.options().id, key_id)->required();
  change->add_option("--name", change.options().name, "What the key is for");
  change->add_option("--models", change.options().models, "Ids with commas between, or 'all'");
  change->add_option("--show-waiting", change.options().show_waiting, "Place in line as reasoning: off, da or en");
  change->add_option("--expires", change.options().expires, std::string(time_help) + ", or 'never'");
  Command turn(*key, "rotate", "Make a key that takes the place of another; its secret is shown once", config, status,
               rotate);
  turn->add_option("ID", turn.options().id, key_id)->required();
  turn->add_option("--old-until", turn.options().until,
                   std::string("The old key works until then: ") + time_help + "; none: for seven days");
  turn->add_option("--expires", turn.options().expires,
                   std::string("The new key's end: ") + time_help + "; none: as long a life as the old one had");
  add_key_import(*key, config, status);
  Command revoke(*key, "revoke", "End a key, effective at once", config, status,
                 [](const Control& c, const Options& o) {
                   auto gone = c.call("DELETE", "/api/keys/" + percent_encoded(o.id));
                   if (!gone) return complain(gone.error());
                   if (!o.json) std::cout << o.id << " is revoked\n";
                   return 0;
                 });
  revoke->add_option("ID", revoke.options().id, key_id)->required();
}

}  // namespace faelled::app
