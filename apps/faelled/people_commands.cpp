#include "base/whole_number.hpp"
#include "command.hpp"
#include "command_groups.hpp"
#include "json/writer.hpp"

namespace faelled::app {
namespace {

constexpr const char* name_help = "What people read";
constexpr const char* roles = "user, builder, member_admin, auditor or operator";

struct MemberOptions : Printing {
  std::string member;

  void declare(CLI::App& command) { command.add_option("MEMBER", member, "The member's id")->required(); }
  std::string target() const { return "/api/members/" + percent_encoded(member); }
};

int list_members(const Control& control, const Printing& printing) {
  return show(control, printing, "/api/members", "members", {"id", "name", "created_at"});
}

struct AddMemberOptions : Printing {
  std::string id, name;

  void declare(CLI::App& command) {
    command.add_option("ID", id, "Short and lasting, e.g. aarhus")->required();
    command.add_option("--name", name, "What people read; the id where left out");
  }
};

int add_member(const Control& control, const AddMemberOptions& o) {
  std::string body;
  json::Writer(body).object().member("id", o.id).member("name", o.name.empty() ? o.id : o.name).close_object();
  return make(control, o, "/api/members", body, {"id", "name"});
}

struct RenameOptions : MemberOptions {
  std::string name;

  void declare(CLI::App& command) {
    MemberOptions::declare(command);
    command.add_option("NAME", name, name_help)->required();
  }
};

int rename(const Control& control, const RenameOptions& o) {
  std::string body;
  json::Writer(body).object().member("name", o.name).close_object();
  return tell(o, control.call("PATCH", o.target(), body), {"id", "name"});
}

struct PolicyOptions : MemberOptions {
  std::string models, retention_days, conversations, key_days_max, key_makers, contact;

  void declare(CLI::App& command) {
    MemberOptions::declare(command);
    command.add_option("--models", models, "Ids with commas between, or 'all'");
    command.add_option("--retention-days", retention_days,
                       "Erase a conversation so long after its last word: 1 to 3650, or 'forever'");
    command.add_option("--conversations", conversations, "Keep them on the 'server' or in the 'browser'");
    command.add_option("--key-days-max", key_days_max, "How long a key may live: 1 to 3650, or 'none'");
    command.add_option("--key-makers", key_makers, "Who makes keys: 'all', 'builders' or 'admins'");
    command.add_option("--contact", contact, "Whom the member's people ask, or 'none'");
  }
};

// A number as JSON, `none` as null; what is neither goes as text, which the server refuses in its words.
void write_number(json::Writer& out, std::string_view name, const std::string& text, std::string_view none) {
  if (text == none) {
    out.member(name, nullptr);
  } else if (const auto number = whole_number<std::uint32_t>(text)) {
    out.member(name, *number);
  } else {
    out.member(name, text);
  }
}

int policy(const Control& control, const PolicyOptions& o) {
  const std::string target = o.target() + "/policy";
  std::string body;
  json::Writer out(body);
  out.object();
  const std::size_t nothing = body.size();
  write_models(out, o.models);
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

int list_users(const Control& control, const MemberOptions& o) {
  return show(control, o, o.target() + "/users?limit=500", "users",
              {"id", "name", "role", "email", "disabled_at", "last_seen_at", "created_at"}, "after");
}

struct AddUserOptions : MemberOptions {
  std::string name, role, email;

  void declare(CLI::App& command) {
    MemberOptions::declare(command);
    command.add_option("NAME", name, name_help)->required();
    command.add_option("--role", role, roles);
    command.add_option("--email", email, "Of the member only once");
  }
};

int add_user(const Control& control, const AddUserOptions& o) {
  std::string body;
  json::Writer out(body);
  out.object().member("name", o.name);
  if (!o.role.empty()) out.member("role", o.role);
  if (!o.email.empty()) out.member("email", o.email);
  out.close_object();
  return make(control, o, o.target() + "/users", body, {"id", "name", "role"});
}

struct UserOptions : Printing {
  std::string user;

  void declare(CLI::App& command) {
    command.add_option("USER", user, "The user's id, as 'faelled user list MEMBER' shows it")->required();
  }
};

int change_user(const Control& control, const UserOptions& o, const std::string& body, const std::string& changed) {
  return tell(o, control.call("PATCH", "/api/users/" + percent_encoded(o.user), body), {"id", "name", changed});
}

int disable(const Control& control, const UserOptions& o) {
  return change_user(control, o, R"({"disabled":true})", "disabled_at");
}

int enable(const Control& control, const UserOptions& o) {
  return change_user(control, o, R"({"disabled":false})", "disabled_at");
}

struct SetRoleOptions : UserOptions {
  std::string role;

  void declare(CLI::App& command) {
    UserOptions::declare(command);
    command.add_option("ROLE", role, roles)->required();
  }
};

int set_role(const Control& control, const SetRoleOptions& o) {
  std::string body;
  json::Writer(body).object().member("role", o.role).close_object();
  return change_user(control, o, body, "role");
}

int sign_in_link(const Control& control, const UserOptions& o) {
  std::string body;
  json::Writer(body).object().member("user", o.user).close_object();
  return make(control, o, "/api/sign-in-links", body, {"url", "expires_at"});
}

}  // namespace

void add_people(CLI::App& app, Invocation& invocation) {
  CLI::App& member = *app.add_subcommand("member", "Members of the commons")->require_subcommand(1);
  add_command<Printing>(member, "list", "All members", invocation, list_members);
  add_command<AddMemberOptions>(member, "add", "Make a member", invocation, add_member);
  add_command<RenameOptions>(member, "rename", "Give a member another name", invocation, rename);
  add_command<PolicyOptions>(member, "policy", "What a member has decided for its people; with options, change it",
                             invocation, policy);
  CLI::App& user =
      *app.add_subcommand("user", "People of a member, their roles and sign-in links")->require_subcommand(1);
  add_command<MemberOptions>(user, "list", "A member's users", invocation, list_users);
  add_command<AddUserOptions>(user, "add", "Make a user", invocation, add_user);
  add_command<SetRoleOptions>(user, "set-role", "Give a user another role", invocation, set_role);
  add_command<UserOptions>(user, "disable", "Stop a user's keys and sessions, at once", invocation, disable);
  add_command<UserOptions>(user, "enable", "Let a disabled user in again, with the keys they had", invocation, enable);
  add_command<UserOptions>(user, "sign-in-link", "A link that signs the user in, once, within 15 minutes", invocation,
                           sign_in_link);
}

}  // namespace faelled::app
