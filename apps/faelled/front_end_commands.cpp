#include "front_end_commands.hpp"

#include <iostream>
#include <memory>

#include "complain.hpp"
#include "control.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"
#include "table.hpp"

namespace faelled::app {
namespace {

struct Options {
  bool json = false;
  std::string token, front_end;
};

int list(const Control& control, const Options& options) {
  auto body = control.call("GET", "/api/front-ends");
  if (!body) return complain(body.error());
  std::cout << (options.json ? *body + "\n"
                             : table_of(*body, "front_ends",
                                        {"name", "key", "certificate", "token_header", "without_person", "members"}));
  return 0;
}

std::string said(const json::Value& object, std::string_view name) {
  const auto value = object.find(name);
  if (!value || value->is_null()) return "-";
  return value->text().value_or(std::string(value->raw()));
}

struct Verdict {
  bool believed, member, closed;
  bool let_in() const { return believed && member && !closed; }
};

Verdict verdict_of(const json::Value& trial) {
  return {said(trial, "believed") == "true", said(trial, "member") != "-", said(trial, "user_closed") == "true"};
}

// The way from the token to the person, one step a line, and at its end whether a request with it would be let in.
void tell(const json::Value& trial, const Verdict& verdict) {
  const auto& [believed, member, closed] = verdict;
  std::cout << "front end:  " << said(trial, "front_end")
            << "\ntoken:      " << (believed ? "believed: " : "NOT believed: ") << said(trial, "why")
            << "\nissuer:     " << said(trial, "issuer") << "\nissued:     " << said(trial, "issued_at")
            << "\nexpires:    " << said(trial, "expires_at") << "\n";
  if (const auto person = trial.find("person"); person && !person->is_null())
    std::cout << "person:     " << said(*person, "name") << "\ne-mail:     " << said(*person, "email")
              << "\nsubject:    " << said(*person, "subject") << "\nrole there: " << said(*person, "role")
              << "\ngroups:     " << said(*person, "groups") << "\n";
  std::cout << "member:     " << said(trial, "member") << " (" << said(trial, "member_why")
            << ")\nuser:       " << said(trial, "user")
            << (closed                                ? " (closed)"
                : said(trial, "user_known") == "true" ? " (known)"
                : member                              ? " (made when first seen)"
                                                      : "")
            << "\n";
  std::cout << "verdict:    " << (verdict.let_in() ? "a request with it is let in" : "a request with it is refused")
            << "\n";
}

int test(const Control& control, const Options& options) {
  std::string token = options.token;
  if (token == "-" && !std::getline(std::cin, token)) return complain({Errc::io, "standard input holds no token", ""});
  std::string body;
  json::Writer out(body);
  out.object().member("token", token);
  if (!options.front_end.empty()) out.member("front_end", options.front_end);
  out.close_object();
  auto answer = control.call("POST", "/api/front-ends/test", body);
  if (!answer) return complain(answer.error());
  json::Document document;
  const auto trial = document.parse(*answer);
  if (!trial)
    return complain({Errc::io, "the server's answer is no JSON", "is it of the same version as this program?"});
  const Verdict verdict = verdict_of(*trial);
  if (options.json)
    std::cout << *answer << "\n";
  else
    tell(*trial, verdict);
  return verdict.let_in() ? 0 : 1;
}

void set_up(CLI::App& command, std::string& config, int& status, const std::shared_ptr<Options>& options,
            int (*work)(const Control&, const Options&)) {
  command
      .add_option("--config", config,
                  "The running server's configuration file (also FAELLED_CONFIG); its data folder holds the socket")
      ->capture_default_str();
  command.add_flag("--json", options->json, "Print the server's answer as JSON");
  command.callback([options, &config, &status, work] {
    auto control = Control::of(config);
    status = control ? work(*control, *options) : complain(control.error());
  });
}

}  // namespace

void add_front_end_commands(CLI::App& app, std::string& config, int& status) {
  auto* front_end = app.add_subcommand("front-end", "Shared front ends, such as Open WebUI, and the people they name")
                        ->require_subcommand(1);
  set_up(*front_end->add_subcommand("list", "Those of the configuration"), config, status, std::make_shared<Options>(),
         list);
  const auto options = std::make_shared<Options>();
  auto* test_command = front_end->add_subcommand(
      "test",
      "What would come of a user token: who is in it, which member and user it leads to, and why; changes nothing");
  test_command
      ->add_option("TOKEN", options->token, "The token as it came in the header; - reads it from standard input")
      ->required();
  test_command->add_option("--front-end", options->front_end,
                           "Which one's token it is; the one whose secret fits where left out");
  test_command->footer("Exit status: 0 a request with it is let in, 1 it is refused.");
  set_up(*test_command, config, status, options, test);
}

}  // namespace faelled::app
