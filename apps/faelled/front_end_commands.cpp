// Shared front ends: which there are, and what would come of a token.
#include <iostream>
#include <memory>

#include "answer.hpp"
#include "command.hpp"
#include "command_groups.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"

namespace faelled::app {
namespace {

int list(const Control& control, const Printing& printing) {
  return show(control, printing, "/api/front-ends", "front_ends",
              {"name", "key", "certificate", "token_header", "without_person", "members"});
}

std::string said(const json::Value& object, std::string_view name) { return text_of(object, name, "-"); }

struct Verdict {
  bool believed, member, closed;
  bool let_in() const { return believed && member && !closed; }
};

Verdict verdict_of(const json::Value& trial) {
  return {said(trial, "believed") == "true", said(trial, "member") != "-", said(trial, "user_closed") == "true"};
}

// The way from the token to the person, one step a line, and at its end whether a request with it would be let in.
void tell_trial(const json::Value& trial, const Verdict& verdict) {
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

struct TestOptions : Printing {
  std::string token, front_end;

  void declare(CLI::App& command) {
    command.add_option("TOKEN", token, "The token as it came in the header; - reads it from standard input")
        ->required();
    command.add_option("--front-end", front_end, "Which one's token it is; the one whose secret fits where left out");
    command.footer("Exit status: 0 a request with it is let in, 1 it is refused.");
  }
};

int test(const Control& control, const TestOptions& o) {
  std::string token = o.token;
  if (token == "-" && !std::getline(std::cin, token)) return complain({Errc::io, "standard input holds no token", ""});
  std::string body;
  json::Writer out(body);
  out.object().member("token", token);
  if (!o.front_end.empty()) out.member("front_end", o.front_end);
  out.close_object();
  auto answer = control.call("POST", "/api/front-ends/test", body);
  if (!answer) return complain(answer.error());
  json::Document document;
  const auto trial = document.parse(*answer);
  if (!trial) return complain(strange_answer("is no JSON"));
  const Verdict verdict = verdict_of(*trial);
  if (o.json)
    std::cout << *answer << "\n";
  else
    tell_trial(*trial, verdict);
  return verdict.let_in() ? 0 : 1;
}

}  // namespace

void add_front_ends(CLI::App& app, Invocation& invocation) {
  CLI::App& front_end =
      *app.add_subcommand("front-end", "Shared front ends, such as Open WebUI, and the people they name")
           ->require_subcommand(1);
  add_command<Printing>(front_end, "list", "Those of the configuration", invocation, list);
  CLI::App& command = *front_end.add_subcommand(
      "test",
      "What would come of a user token: who is in it, which member and user it leads to, and why; changes nothing");
  const auto options = std::make_shared<TestOptions>();
  options->declare(command);
  connect(command, invocation, *options, [options](const Control& control) { return test(control, *options); });
}

}  // namespace faelled::app
