// Which model lies in which memory: looking at it, and orders.
#include <fmt/format.h>

#include <iostream>

#include "command.hpp"
#include "json/document.hpp"
#include "residency_text.hpp"
#include "watching.hpp"

namespace faelled::app {
namespace {

using Show = std::string (*)(const std::string& answer);

int look(const Control& control, const Options& options, Show table) {
  const auto ask = [&control] { return control.call("GET", "/api/residency"); };
  const auto show = [&](const std::string& answer) { return options.json ? answer + "\n" : table(answer); };
  if (options.watch) return watch({ask, show, standing_of});
  const auto answer = ask();
  if (!answer) return complain(answer.error());
  std::cout << show(*answer);
  return 0;
}

int order(const Control& control, const Options& options, std::string_view act) {
  std::string body;
  json::Writer(body).object().member("act", act).close_object();
  const auto answer =
      control.call("POST", fmt::format("/api/models/{}/residency", percent_encoded(options.id)), std::move(body));
  return tell(options, answer, {"id", "state", "pinned", "ready_in_s"});
}

}  // namespace

void add_residency(CLI::App& app, std::string& config, int& status) {
  const auto with_watch = [](Command command) {
    command->add_flag("--watch", command.options().watch,
                      "Look every second until Ctrl-C; where output is no terminal, one block per change");
  };
  auto* node = app.add_subcommand("node", "Machines with models")->require_subcommand(1);
  with_watch(Command(*node, "list", "Memories for models: how large, taken, free, and which models lie there", config,
                     status, [](const Control& c, const Options& o) { return look(c, o, devices_table); }));
  auto* model = app.add_subcommand("model", "Models")->require_subcommand(1);
  with_watch(Command(*model, "list", "All models: how they stand, where they lie, who waits, and why", config, status,
                     [](const Control& c, const Options& o) { return look(c, o, models_table); }));
  for (const auto& [act, help] :
       {std::pair("load", "Bring a model into memory; one that nobody waits for makes room"),
        std::pair("unload", "Take a model out of memory once its answers have ended; who asks for it wakes it again"),
        std::pair("sleep", "Have a model leave or forget its weights once its answers have ended, and keep its engine"),
        std::pair("wake", "Have a model that sleeps take its weights back, or read them again"),
        std::pair("pin", "Keep a model in memory always"), std::pair("unpin", "Let a pinned model make room again")}) {
    Command command(*model, act, help, config, status,
                    [wanted = std::string(act)](const Control& c, const Options& o) { return order(c, o, wanted); });
    command->add_option("model", command.options().id, "Its id, as 'model list' says it")->required();
  }
  add_catalogue(*model, config, status);
}

}  // namespace faelled::app
