#include <iostream>

#include "answer.hpp"
#include "command.hpp"
#include "command_groups.hpp"
#include "json/document.hpp"

namespace faelled::app {
namespace {

constexpr const char* target = "/api/maintenance";

// Whether it is on, and what people are told.
int tell_maintenance(const Printing& printing, const Expected<std::string>& answer) {
  if (!answer) return complain(answer.error());
  if (printing.json) {
    std::cout << *answer << "\n";
    return 0;
  }
  json::Document document;
  const auto root = document.parse(*answer);
  const auto part = root ? root->find("maintenance") : std::nullopt;
  if (!part) return complain(strange_answer("says nothing of it"));
  if (!is(*part, "on")) {
    std::cout << "maintenance is off: new requests are let in\n";
    return 0;
  }
  std::cout << "maintenance is on: new requests are refused, running ones finish\n"
            << "told in Danish: " << text_of(*part, "message_da") << "\ntold in English: " << text_of(*part, "message")
            << "\n";
  if (const std::string until = text_of(*part, "until"); !until.empty())
    std::cout << "expected to be over: " << until << "\n";
  return 0;
}

struct OnOptions : Printing {
  std::string message_da, message, until;

  void declare(CLI::App& command) {
    command.add_option(
        "--message-da", message_da,
        "What people are told in Danish. Where left out, what --message says; a usual text where both are");
    command.add_option("--message", message, "The same in English. Where left out, what --message-da says");
    command.add_option("--until", until, "When it is expected to be over: 2026-11-23T08:00:00Z (UTC)");
  }
};

int turn_on(const Control& control, const OnOptions& o) {
  std::string body;
  json::Writer out(body);
  out.object().member("on", true);
  if (!o.message_da.empty()) out.member("message_da", o.message_da);
  if (!o.message.empty()) out.member("message", o.message);
  if (!o.until.empty()) out.member("until", o.until);
  out.close_object();
  return tell_maintenance(o, control.call("PATCH", target, body));
}

int turn_off(const Control& control, const Printing& printing) {
  return tell_maintenance(printing, control.call("PATCH", target, R"({"on":false})"));
}

int status(const Control& control, const Printing& printing) {
  return tell_maintenance(printing, control.call("GET", target));
}

}  // namespace

void add_maintenance(CLI::App& app, Invocation& invocation) {
  CLI::App& maintenance =
      *app.add_subcommand("maintenance", "Close to new requests for a while")->require_subcommand(1);
  add_command<OnOptions>(maintenance, "on", "Refuse new requests with an explanation; running ones finish", invocation,
                         turn_on);
  add_command<Printing>(maintenance, "off", "Let new requests in again", invocation, turn_off);
  add_command<Printing>(maintenance, "status", "Whether it is on, and what people are told", invocation, status);
}

}  // namespace faelled::app
