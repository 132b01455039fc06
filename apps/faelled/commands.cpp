#include "commands.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <iostream>
#include <memory>

#include "complain.hpp"
#include "control.hpp"
#include "front_end_commands.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"
#include "key_import_command.hpp"
#include "portal/render.hpp"
#include "table.hpp"

namespace faelled::app {
namespace {

// RFC 3986: everything but unreserved characters.
std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("-._~").contains(c)) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

struct Options {
  bool json = false;
  bool csv = false;
  bool rows = false;
  std::string from, to, member, user, name, id, expires;
};

using Work = std::function<int(const Control&, const Options&)>;

// One subcommand: its options are its own, its work runs when it is parsed.
class Command {
 public:
  Command(CLI::App& parent, const std::string& name, const std::string& help, std::string& config, int& status,
          Work work)
      : app_(parent.add_subcommand(name, help)), options_(std::make_shared<Options>()) {
    app_->add_option("--config", config,
                     "The running server's configuration file (also FAELLED_CONFIG); its data folder holds the socket")
        ->capture_default_str();
    app_->add_flag("--json", options_->json, "Print the server's answer as JSON");
    app_->callback([options = options_, &config, &status, work = std::move(work)] {
      auto control = Control::of(config);
      status = control ? work(*control, *options) : complain(control.error());
      if (!std::cout.flush() && status == 0)
        status = complain(
            {Errc::io, "standard output cannot be written", "is the disk full, or the program behind the pipe gone?"});
    });
  }
  CLI::App* operator->() { return app_; }
  Options& options() { return *options_; }

 private:
  CLI::App* app_;
  std::shared_ptr<Options> options_;
};

int show(const Control& control, const Options& options, const std::string& target, std::string_view list,
         const std::vector<std::string>& columns) {
  auto body = control.call("GET", target);
  if (!body) return complain(body.error());
  std::cout << (options.json ? *body + "\n" : table_of(*body, list, columns));
  return 0;
}

// `plain`: which members of the answer a person sees, one line each.
int make(const Control& control, const Options& options, const std::string& target, const std::string& body,
         const std::vector<std::string>& plain) {
  auto answer = control.call("POST", target, body);
  if (!answer) return complain(answer.error());
  if (options.json) {
    std::cout << *answer << "\n";
    return 0;
  }
  json::Document document;
  auto root = document.parse(*answer);
  for (const std::string& name : plain) {
    const auto value = root ? root->find(name) : std::nullopt;
    std::cout << name << ": " << (value ? value->text().value_or("-") : "-") << "\n";
  }
  return 0;
}

const std::vector<std::string>& row_columns() {
  static const std::vector<std::string> all{"request_id",   "member",        "caller",        "model",    "started_at",
                                            "input_tokens", "cached_tokens", "output_tokens", "queue_us", "load_us",
                                            "engine_us",    "outcome",       "cause"};
  return all;
}

// The columns that the server's own CSV has.
std::vector<std::string> columns_of(std::string_view head) {
  std::vector<std::string> all;
  for (head.remove_suffix(2); !head.empty(); head.remove_prefix(std::min(head.size(), all.back().size() + 1)))
    all.emplace_back(head.substr(0, head.find(',')));
  return all;
}

// Page after page, so that any number of rows takes little memory here and there. `target` has a query.
int all_pages(const Control& control, const Options& options, const std::string& target, const std::string& list,
              const std::vector<std::string>& csv_columns, const std::vector<std::string>& columns) {
  json::Document document;
  std::string after;
  bool first_row = true;
  for (bool first = true; first || !after.empty(); first = false) {
    auto body = control.call("GET", target + (after.empty() ? "" : "&after=" + percent_encoded(after)));
    if (!body) return complain(body.error());
    const auto root = document.parse(*body);
    const auto rows = root ? root->find(list) : std::nullopt;
    if (!rows)
      return complain({Errc::io, "the server's answer has no " + list, "is it of the same version as this program?"});
    if (options.csv) {
      std::cout << csv_of(*body, list, csv_columns, first);
    } else if (options.json) {
      if (first) std::cout << "{\"" << list << "\":[";
      for (const json::Value row : rows->items())
        std::cout << (std::exchange(first_row, false) ? "\n" : ",\n") << row.raw();
    } else {
      std::cout << table_of(*body, list, columns, first);
    }
    const auto next = root->find("next");
    after = next ? next->text().value_or("") : "";
  }
  if (options.json) std::cout << "\n]}\n";
  return 0;
}

int usage(const Control& control, const Options& options) {
  std::string target = "/api/usage?rows=" + std::string(options.rows ? "true" : "false");
  for (const auto& [name, value] :
       {std::pair("from", &options.from), std::pair("to", &options.to), std::pair("member", &options.member)})
    if (!value->empty()) target += fmt::format("&{}={}", name, percent_encoded(*value));
  if (options.rows)
    return all_pages(control, options, target, "rows", columns_of(portal::csv_usage_head), row_columns());
  const std::vector<std::string> columns = columns_of(portal::csv_sum_head);
  return all_pages(control, options, target, "usage", columns, columns);
}

void add_people(CLI::App& app, std::string& config, int& status) {
  auto* member = app.add_subcommand("member", "Members of the commons")->require_subcommand(1);
  Command(*member, "list", "All members", config, status, [](const Control& c, const Options& o) {
    return show(c, o, "/api/members", "members", {"id", "name", "created_at"});
  });
  Command add_member(*member, "add", "Make a member", config, status, [](const Control& c, const Options& o) {
    std::string body;
    json::Writer(body).object().member("id", o.id).member("name", o.name.empty() ? o.id : o.name).close_object();
    return make(c, o, "/api/members", body, {"id", "name"});
  });
  add_member->add_option("ID", add_member.options().id, "Short and lasting, e.g. aarhus")->required();
  add_member->add_option("--name", add_member.options().name, "What people read; the id where left out");

  auto* user = app.add_subcommand("user", "People of a member, and their sign-in links")->require_subcommand(1);
  Command list_users(*user, "list", "A member's users", config, status, [](const Control& c, const Options& o) {
    return show(c, o, fmt::format("/api/members/{}/users", percent_encoded(o.member)), "users",
                {"id", "name", "created_at"});
  });
  list_users->add_option("MEMBER", list_users.options().member, "The member's id")->required();
  Command add_user(*user, "add", "Make a user", config, status, [](const Control& c, const Options& o) {
    std::string body;
    json::Writer(body).object().member("name", o.name).close_object();
    return make(c, o, fmt::format("/api/members/{}/users", percent_encoded(o.member)), body, {"id", "name"});
  });
  add_user->add_option("MEMBER", add_user.options().member, "The member's id")->required();
  add_user->add_option("NAME", add_user.options().name, "What people read")->required();
  Command link(*user, "sign-in-link", "A link that signs the user in, once, within 15 minutes", config, status,
               [](const Control& c, const Options& o) {
                 std::string body;
                 json::Writer(body).object().member("user", o.user).close_object();
                 return make(c, o, "/api/sign-in-links", body, {"url", "expires_at"});
               });
  link->add_option("USER", link.options().user, "The user's id, as 'faelled user list MEMBER' shows it")->required();
}

void add_keys(CLI::App& app, std::string& config, int& status) {
  auto* key = app.add_subcommand("key", "API keys")->require_subcommand(1);
  Command(*key, "list", "All keys; secrets are never shown again", config, status,
          [](const Control& c, const Options& o) {
            return show(c, o, "/api/keys", "keys",
                        {"id", "member", "user", "name", "created_at", "expires_at", "revoked_at", "last_used_at"});
          });
  Command add(*key, "add", "Make a key; its secret is shown once", config, status,
              [](const Control& c, const Options& o) {
                std::string body;
                json::Writer out(body);
                out.object().member("member", o.member).member("name", o.name);
                if (!o.user.empty()) out.member("user", o.user);
                if (!o.expires.empty()) out.member("expires_at", o.expires);
                out.close_object();
                return make(c, o, "/api/keys", body, {"id", "secret"});
              });
  add->add_option("--member", add.options().member, "The member's id")->required();
  add->add_option("--name", add.options().name, "What the key is for")->required();
  add->add_option("--user", add.options().user, "The user whose key it is; none: the member's own");
  add->add_option("--expires", add.options().expires, "2027-01-01 or 2027-01-01T12:00:00Z; none: never");
  Command revoke(*key, "revoke", "End a key, effective at once", config, status,
                 [](const Control& c, const Options& o) {
                   auto gone = c.call("DELETE", "/api/keys/" + percent_encoded(o.id));
                   if (!gone) return complain(gone.error());
                   if (!o.json) std::cout << o.id << " is revoked\n";
                   return 0;
                 });
  add_key_import(*key, config, status);
  revoke->add_option("ID", revoke.options().id, "The key's id, as 'faelled key list' shows it")->required();
}

}  // namespace

std::string default_config() {
  const char* named = std::getenv("FAELLED_CONFIG");
  return named != nullptr && *named != '\0' ? named : "faelled.yaml";
}

void add_commands(CLI::App& app, std::string& config, int& status) {
  Command use(app, "usage", "What was used: sums per member, caller and model, or every request", config, status,
              usage);
  use->add_flag("--rows", use.options().rows, "Every request, one row each, by time");
  use->add_flag("--csv", use.options().csv, "Print CSV, with a heading; rows have all columns")->excludes("--json");
  use->add_option("--from", use.options().from, "From this time on: 2026-11-23 or 2026-11-23T08:00:00Z (UTC)");
  use->add_option("--to", use.options().to, "Before this time, in the same form");
  use->add_option("--member", use.options().member, "This member alone, by its id");
  add_people(app, config, status);
  add_keys(app, config, status);
  add_front_end_commands(app, config, status);
  auto* model = app.add_subcommand("model", "Models")->require_subcommand(1);
  Command(*model, "list", "All models and how they stand", config, status, [](const Control& c, const Options& o) {
    return show(c, o, "/api/models", "models",
                {"id", "state", "places", "running", "waiting", "context_tokens", "detail"});
  });
}

}  // namespace faelled::app
