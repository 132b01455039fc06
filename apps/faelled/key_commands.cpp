#include "command.hpp"
#include "command_groups.hpp"
#include "json/writer.hpp"

namespace faelled::app {
namespace {

constexpr const char* time_help = "2027-01-01 or 2027-01-01T12:00:00Z";
constexpr const char* name_help = "What the key is for";
constexpr const char* waiting_help = "Place in line as reasoning: off, da or en";

int list(const Control& control, const Printing& printing) {
  return show(control, printing, "/api/keys?limit=500", "keys",
              {"id", "member", "user", "name", "created_at", "expires_at", "revoked_at", "last_used_at"}, "after");
}

struct AddOptions : Printing {
  std::string member, name, user, expires, models, show_waiting;

  void declare(CLI::App& command) {
    command.add_option("--member", member, "The member's id")->required();
    command.add_option("--name", name, name_help)->required();
    command.add_option("--user", user, "The user whose key it is; none: the member's own");
    command.add_option("--expires", expires,
                       std::string(time_help) + "; none: as late as the member's policy lets it, or never");
    command.add_option("--models", models, "Only these: ids with commas between");
    command.add_option("--show-waiting", show_waiting, waiting_help);
  }
};

int add(const Control& control, const AddOptions& o) {
  std::string body;
  json::Writer out(body);
  out.object().member("member", o.member).member("name", o.name);
  if (!o.user.empty()) out.member("user", o.user);
  if (!o.expires.empty()) out.member("expires_at", o.expires);
  if (o.models != "all") write_models(out, o.models);
  if (!o.show_waiting.empty()) out.member("show_waiting", o.show_waiting);
  out.close_object();
  return make(control, o, "/api/keys", body, {"id", "secret"});
}

struct KeyOptions : Printing {
  std::string id;

  void declare(CLI::App& command) {
    command.add_option("ID", id, "The key's id, as 'faelled key list' shows it")->required();
  }
  std::string target() const { return "/api/keys/" + percent_encoded(id); }
};

struct EditOptions : KeyOptions {
  std::string name, models, show_waiting, expires;

  void declare(CLI::App& command) {
    KeyOptions::declare(command);
    command.add_option("--name", name, name_help);
    command.add_option("--models", models, "Ids with commas between, or 'all'");
    command.add_option("--show-waiting", show_waiting, waiting_help);
    command.add_option("--expires", expires, std::string(time_help) + ", or 'never'");
  }
};

int edit(const Control& control, const EditOptions& o) {
  std::string body;
  json::Writer out(body);
  out.object();
  if (!o.name.empty()) out.member("name", o.name);
  write_models(out, o.models);
  if (!o.show_waiting.empty()) out.member("show_waiting", o.show_waiting);
  if (!o.expires.empty()) out.member_or_null("expires_at", o.expires == "never" ? "" : o.expires);
  out.close_object();
  return tell(o, control.call("PATCH", o.target(), body), {"id", "name", "models", "show_waiting", "expires_at"});
}

struct RotateOptions : KeyOptions {
  std::string old_until, expires;

  void declare(CLI::App& command) {
    KeyOptions::declare(command);
    command.add_option("--old-until", old_until,
                       std::string("The old key works until then: ") + time_help + "; none: for seven days");
    command.add_option("--expires", expires,
                       std::string("The new key's end: ") + time_help + "; none: as long a life as the old one had");
  }
};

int rotate(const Control& control, const RotateOptions& o) {
  std::string body;
  json::Writer out(body);
  out.object();
  if (!o.old_until.empty()) out.member("old_works_until", o.old_until);
  if (!o.expires.empty()) out.member("expires_at", o.expires);
  out.close_object();
  return make(control, o, o.target() + "/rotate", body, {"id", "secret", "expires_at", "rotated_from"});
}

int revoke(const Control& control, const KeyOptions& o) { return remove(control, o, o.target(), o.id + " is revoked"); }

}  // namespace

void add_keys(CLI::App& app, Invocation& invocation) {
  CLI::App& key = *app.add_subcommand("key", "API keys")->require_subcommand(1);
  add_command<Printing>(key, "list", "All keys; secrets are never shown again", invocation, list);
  add_command<AddOptions>(key, "add", "Make a key; its secret is shown once", invocation, add);
  add_command<EditOptions>(key, "edit", "Change a key's name, models, waiting or end", invocation, edit);
  add_command<RotateOptions>(key, "rotate", "Make a key that takes the place of another; its secret is shown once",
                             invocation, rotate);
  add_key_import(key, invocation);
  add_command<KeyOptions>(key, "revoke", "End a key, effective at once", invocation, revoke);
}

}  // namespace faelled::app
