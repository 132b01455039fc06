#include <fmt/format.h>

#include <iostream>

#include "command.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"

namespace faelled::app {
namespace {

constexpr const char* user_id = "The user's id, as 'faelled user list MEMBER' shows it";
constexpr const char* roles = "user, builder, member_admin, auditor or operator";

int change_user(const Control& control, const Options& options, const std::string& body,
                const std::vector<std::string>& plain) {
  return tell(options, control.call("PATCH", "/api/users/" + percent_encoded(options.user), body), plain);
}

// A number as JSON, `none` as null; what is neither goes as text, which the server refuses in its words.
void write_number(json::Writer& out, std::string_view name, const std::string& text, std::string_view none) {
  if (text == none) {
    out.member(name, nullptr);
  } else if (!text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos) {
    out.member(name, std::stoi(text));
  } else {
    out.member(name, text);
  }
}

int policy(const Control& control, const Options& o) {
  const std::string target = fmt::format("/api/members/{}/policy", percent_encoded(o.member));
  std::string body;
  json::Writer out(body);
  out.object();
  const std::size_t nothing = body.size();
  if (o.models == "all") {
    out.member("models", nullptr);
  } else if (!o.models.empty()) {
    write_list(out, "models", o.models);
  }
  if (!o.retention_days.empty()) write_number(out, "retention_days", o.retention_days, "forever");
  if (!o.conversations.empty()) out.member("conversations", o.conversations);
  if (!o.key_days_max.empty()) write_number(out, "key_days_max", o.key_days_max, "none");
  if (!o.key_makers.empty()) out.member("key_makers", o.key_makers);
  if (!o.contact.empty()) out.member_or_null("contact", o.contact == "none" ? "" : o.contact);
  const bool changes = body.size() > nothing;
  out.close_object();
  return tell(o, changes ? control.call("PATCH", target, body) : control.call("GET", target),
              {"models", "retention_days", "conversations", "key_days_max", "key_makers", "contact"});
}

void add_members(CLI::App& app, std::string& config, int& status) {
  auto* member = app.add_subcommand("member", "Members of the commons")->require_subcommand(1);
  Command(*member, "list", "All members", config, status, [](const Control& c, const Options& o) {
    return show(c, o, "/api/members", "members", {"id", "name", "created_at"});
  });
  Command add(*member, "add", "Make a member", config, status, [](const Control& c, const Options& o) {
    std::string body;
    json::Writer(body).object().member("id", o.id).member("name", o.name.empty() ? o.id : o.name).close_object();
    return make(c, o, "/api/members", body, {"id", "name"});
  });
  add->add_option("ID", add.options().id, "Short and lasting, e.g. aarhus")->required();
  add->add_option("--name", add.options().name, "What people read; the id where left out");
  Command rename(*member, "rename", "Give a member another name", config, status,
                 [](const Control& c, const Options& o) {
                   std::string body;
                   json::Writer(body).object().member("name", o.name).close_object();
                   return tell(o, c.call("PATCH", "/api/members/" + percent_encoded(o.member), body), {"id", "name"});
                 });
  rename->add_option("MEMBER", rename.options().member, "The member's id")->required();
  rename->add_option("NAME", rename.options().name, "What people read")->required();
  Command rules(*member, "policy", "What a member has decided for its people; with options, change it", config, status,
                policy);
  rules->add_option("MEMBER", rules.options().member, "The member's id")->required();
  rules->add_option("--models", rules.options().models, "Ids with commas between, or 'all'");
  rules->add_option("--retention-days", rules.options().retention_days,
                    "Erase a conversation so long after its last word: 1 to 3650, or 'forever'");
  rules->add_option("--conversations", rules.options().conversations, "Keep them on the 'server' or in the 'browser'");
  rules->add_option("--key-days-max", rules.options().key_days_max, "How long a key may live: 1 to 3650, or 'none'");
  rules->add_option("--key-makers", rules.options().key_makers, "Who makes keys: 'all', 'builders' or 'admins'");
  rules->add_option("--contact", rules.options().contact, "Whom the member's people ask, or 'none'");
}

}  // namespace

void add_people(CLI::App& app, std::string& config, int& status) {
  add_members(app, config, status);
  auto* user = app.add_subcommand("user", "People of a member, their roles and sign-in links")->require_subcommand(1);
  Command list(*user, "list", "A member's users", config, status, [](const Control& c, const Options& o) {
    return show(c, o, fmt::format("/api/members/{}/users?limit=500", percent_encoded(o.member)), "users",
                {"id", "name", "role", "email", "disabled_at", "last_seen_at", "created_at"}, "after");
  });
  list->add_option("MEMBER", list.options().member, "The member's id")->required();
  Command add(*user, "add", "Make a user", config, status, [](const Control& c, const Options& o) {
    std::string body;
    json::Writer out(body);
    out.object().member("name", o.name);
    if (!o.role.empty()) out.member("role", o.role);
    if (!o.email.empty()) out.member("email", o.email);
    out.close_object();
    return make(c, o, fmt::format("/api/members/{}/users", percent_encoded(o.member)), body, {"id", "name", "role"});
  });
  add->add_option("MEMBER", add.options().member, "The member's id")->required();
  add->add_option("NAME", add.options().name, "What people read")->required();
  add->add_option("--role", add.options().role, roles);
  add->add_option("--email", add.options().email, "Of the member only once");
  Command set_role(*user, "set-role", "Give a user another role", config, status,
                   [](const Control& c, const Options& o) {
                     std::string body;
                     json::Writer(body).object().member("role", o.role).close_object();
                     return change_user(c, o, body, {"id", "name", "role"});
                   });
  set_role->add_option("USER", set_role.options().user, user_id)->required();
  set_role->add_option("ROLE", set_role.options().role, roles)->required();
  Command disable(*user, "disable", "Stop a user's keys and sessions, at once", config, status,
                  [](const Control& c, const Options& o) {
                    return change_user(c, o, R"({"disabled":true})", {"id", "name", "disabled_at"});
                  });
  disable->add_option("USER", disable.options().user, user_id)->required();
  Command enable(*user, "enable", "Let a disabled user in again, with the keys they had", config, status,
                 [](const Control& c, const Options& o) {
                   return change_user(c, o, R"({"disabled":false})", {"id", "name", "disabled_at"});
                 });
  enable->add_option("USER", enable.options().user, user_id)->required();
  Command link(*user, "sign-in-link", "A link that signs the user in, once, within 15 minutes", config, status,
               [](const Control& c, const Options& o) {
                 std::string body;
                 json::Writer(body).object().member("user", o.user).close_object();
                 return make(c, o, "/api/sign-in-links", body, {"url", "expires_at"});
               });
  link->add_option("USER", link.options().user, user_id)->required();
}

}  // namespace faelled::app
