// Which model lies in which memory: looking at it, and orders.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <utility>

#include "command.hpp"
#include "json/document.hpp"
#include "option_values.hpp"
#include "residency_text.hpp"
#include "watching.hpp"

namespace faelled::app {
namespace {

constexpr std::uint32_t page_rows = 1000;

Expected<std::string> ask(const Control& control, const Options& options, std::uint32_t limit,
                          const std::string& after) {
  std::string target = fmt::format("/api/residency?limit={}", limit);
  for (const auto& [name, value] :
       {std::pair("search", &options.search), std::pair("state", &options.state), std::pair("after", &after)})
    if (!value->empty()) target += fmt::format("&{}={}", name, percent_encoded(*value));
  return control.call("GET", target);
}

// The answer but for its models and what says where the next page begins, as the beginning of an object whose last
// member is the models.
std::string head_of(const json::Value& answer) {
  std::string head;
  json::Writer out(head);
  out.object();
  for (const json::Member member : answer.members())
    if (const std::string name = member.name.text().value_or(""); name != "models" && name != "next")
      out.member_raw(name, member.value.raw());
  out.key("models").array();
  return head;
}

std::string next_of(const json::Value& answer) {
  const auto next = answer.find("next");
  return next ? next->text().value_or("") : std::string();
}

using Told = std::function<void(const json::Value& answer, const std::string& text, bool first)>;

// Page after page until the end, or until `options.limit`.
Expected<void> each_page(const Control& control, const Options& options, const Told& told) {
  json::Document document;
  std::string after;
  std::uint32_t left = options.limit;
  for (bool first = true; first || !after.empty(); first = false) {
    const auto text = ask(control, options, left == 0 ? page_rows : std::min(left, page_rows), after);
    if (!text) return std::unexpected(text.error());
    const auto answer = document.parse(*text);
    const auto models = answer ? answer->find("models") : std::nullopt;
    if (!models)
      return fail(Errc::io, "the server's answer has no models", "is it of the same version as this program?");
    told(*answer, *text, first);
    after = next_of(*answer);
    if (options.limit == 0) continue;
    left -= std::min(left, static_cast<std::uint32_t>(models->count()));
    if (left == 0) break;
  }
  return {};
}

// What is there, or comes, or is waited for, in one answer: few, however large the catalogue is.
Expected<std::string> whole(const Control& control, const Options& options) {
  std::string all;
  const auto told = [&all, some = false](const json::Value& answer, const std::string&, bool first) mutable {
    if (first) all = head_of(answer);
    for (const json::Value model : answer.find("models")->items()) {
      if (std::exchange(some, true)) all += ',';
      all += model.raw();
    }
  };
  if (auto done = each_page(control, options, told); !done) return std::unexpected(done.error());
  return all + "]}";
}

int list_nodes(const Control& control, Options options) {
  options.state = "in_use";
  const auto show = [&](const std::string& answer) { return options.json ? answer + "\n" : devices_table(answer); };
  if (options.watch) return watch({[&] { return whole(control, options); }, show, standing_of});
  const auto answer = whole(control, options);
  if (!answer) return complain(answer.error());
  std::cout << show(*answer);
  return 0;
}

// The first page that has one: after many that are not searched for a page may be empty.
Expected<std::string> screen(const Control& control, const Options& options) {
  const std::uint32_t limit = options.limit == 0 ? page_rows : std::min(options.limit, page_rows);
  json::Document document;
  std::string after;
  while (true) {
    auto text = ask(control, options, limit, after);
    if (!text) return text;
    const auto answer = document.parse(*text);
    const auto models = answer ? answer->find("models") : std::nullopt;
    if (!models || models->count() > 0) return text;
    if (after = next_of(*answer); after.empty()) return text;
  }
}

// A screen of them, again and again.
int watch_models(const Control& control, const Options& options) {
  const auto look = [&] { return screen(control, options); };
  const auto show = [&](const std::string& answer) {
    if (options.json) return answer + "\n";
    json::Document document;
    const auto root = document.parse(answer);
    const bool more = root && !next_of(*root).empty();
    return models_table(answer) + (more ? "There are more: --search and --state show others.\n" : "");
  };
  return watch({look, show, standing_of});
}

// Each page as it comes: a million models take no more memory than a thousand.
int list_models(const Control& control, const Options& options) {
  if (options.watch) return watch_models(control, options);
  const auto told = [&, some = false](const json::Value& answer, const std::string& text, bool first) mutable {
    if (!options.json) {
      std::cout << models_table(text, first);
      return;
    }
    if (first) std::cout << head_of(answer);
    for (const json::Value model : answer.find("models")->items())
      std::cout << (std::exchange(some, true) ? ",\n" : "\n") << model.raw();
  };
  if (const auto done = each_page(control, options, told); !done) return complain(done.error());
  if (options.json) std::cout << "\n]}\n";
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
                     status, list_nodes));
  auto* model = app.add_subcommand("model", "Models")->require_subcommand(1);
  Command list(*model, "list", "All models, by id: how they stand, where they lie, who waits, and why", config, status,
               list_models);
  list->add_option("--search", list.options().search,
                   "Only those with this in their id, name, alias or adapter's id; large and small letters alike");
  list->add_option("--state", list.options().state,
                   "Only those that have an engine, come or are waited for (in_use), those of them in one state, or "
                   "those that cannot be served (failed)")
      ->check(CLI::IsMember({"in_use", "failed", "starting", "ready", "draining", "asleep", "waking"}));
  list->add_option("--limit", list.options().limit, "Only the first so many")->transform(whole_number<std::uint32_t>());
  with_watch(std::move(list));
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
