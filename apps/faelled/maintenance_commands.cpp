#include <iostream>

#include "command.hpp"
#include "json/document.hpp"

namespace faelled::app {
namespace {

// Whether it is on, and what people are told.
int tell_maintenance(const Options& options, const Expected<std::string>& answer) {
  if (!answer) return complain(answer.error());
  if (options.json) {
    std::cout << *answer << "\n";
    return 0;
  }
  json::Document document;
  const auto root = document.parse(*answer);
  const auto part = root ? root->find("maintenance") : std::nullopt;
  if (!part)
    return complain({Errc::io, "the server's answer says nothing of it", "is it of the same version as this program?"});
  const auto text = [&](std::string_view name) {
    const auto value = part->find(name);
    return value ? value->text().value_or("") : std::string();
  };
  const auto on = part->find("on");
  if (!on || !on->boolean().value_or(false)) {
    std::cout << "maintenance is off: new requests are let in\n";
    return 0;
  }
  std::cout << "maintenance is on: new requests are refused, running ones finish\n"
            << "told in Danish: " << text("message_da") << "\ntold in English: " << text("message") << "\n";
  if (const std::string until = text("until"); !until.empty()) std::cout << "expected to be over: " << until << "\n";
  return 0;
}

int set_maintenance(const Control& control, const Options& options, bool on) {
  std::string body;
  json::Writer out(body);
  out.object().member("on", on);
  if (on && !options.name.empty()) out.member("message_da", options.name);
  if (on && !options.message.empty()) out.member("message", options.message);
  if (on && !options.until.empty()) out.member("until", options.until);
  out.close_object();
  return tell_maintenance(options, control.call("PATCH", "/api/maintenance", body));
}

}  // namespace

void add_maintenance(CLI::App& app, std::string& config, int& status) {
  auto* maintenance = app.add_subcommand("maintenance", "Close to new requests for a while")->require_subcommand(1);
  Command on(*maintenance, "on", "Refuse new requests with an explanation; running ones finish", config, status,
             [](const Control& c, const Options& o) { return set_maintenance(c, o, true); });
  on->add_option("--message-da", on.options().name,
                 "What people are told in Danish. Where left out, what --message says; a usual text where both are");
  on->add_option("--message", on.options().message, "The same in English. Where left out, what --message-da says");
  on->add_option("--until", on.options().until, "When it is expected to be over: 2026-11-23T08:00:00Z (UTC)");
  Command(*maintenance, "off", "Let new requests in again", config, status,
          [](const Control& c, const Options& o) { return set_maintenance(c, o, false); });
  Command(*maintenance, "status", "Whether it is on, and what people are told", config, status,
          [](const Control& c, const Options& o) { return tell_maintenance(o, c.call("GET", "/api/maintenance")); });
}

}  // namespace faelled::app
