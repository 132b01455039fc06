// Which model lies in which memory: looking at it, and orders.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <utility>

#include "answer.hpp"
#include "command.hpp"
#include "command_groups.hpp"
#include "json/document.hpp"
#include "option_values.hpp"
#include "residency_text.hpp"
#include "watching.hpp"

namespace faelled::app {
namespace {

constexpr std::uint32_t page_rows = 1000;

// Which models are asked for.
struct Wanted {
  std::string search, state;
  std::uint32_t limit = 0;  // 0: all
};

Expected<std::string> ask(const Control& control, const Wanted& wanted, std::uint32_t limit, const std::string& after) {
  return control.call("GET",
                      fmt::format("/api/residency?limit={}{}", limit,
                                  query_of({{"search", wanted.search}, {"state", wanted.state}, {"after", after}})));
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

std::string next_of(const json::Value& answer) { return text_of(answer, "next"); }

using Told = std::function<void(const json::Value& answer, const std::string& text, bool first)>;

// Page after page until the end, or until `wanted.limit`.
Expected<void> each_page(const Control& control, const Wanted& wanted, const Told& told) {
  json::Document document;
  std::string after;
  std::uint32_t left = wanted.limit;
  for (bool first = true; first || !after.empty(); first = false) {
    const auto text = ask(control, wanted, left == 0 ? page_rows : std::min(left, page_rows), after);
    if (!text) return std::unexpected(text.error());
    const auto answer = document.parse(*text);
    const auto models = answer ? answer->find("models") : std::nullopt;
    if (!models) return std::unexpected(strange_answer("has no models"));
    told(*answer, *text, first);
    after = next_of(*answer);
    if (wanted.limit == 0) continue;
    left -= std::min(left, static_cast<std::uint32_t>(models->count()));
    if (left == 0) break;
  }
  return {};
}

// What is there, or comes, or is waited for, in one answer: few, however large the catalogue is.
Expected<std::string> whole(const Control& control) {
  std::string all;
  const auto told = [&all, some = false](const json::Value& answer, const std::string&, bool first) mutable {
    if (first) all = head_of(answer);
    for (const json::Value model : answer.find("models")->items()) {
      if (std::exchange(some, true)) all += ',';
      all += model.raw();
    }
  };
  if (auto done = each_page(control, {.search = {}, .state = "in_use"}, told); !done)
    return std::unexpected(done.error());
  return all + "]}";
}

void add_watch(CLI::App& command, bool& watch) {
  command.add_flag("--watch", watch,
                   "Look every second until Ctrl-C; where output is no terminal, one block per change");
}

struct NodesOptions : Printing {
  bool watch = false;

  void declare(CLI::App& command) { add_watch(command, watch); }
};

int list_nodes(const Control& control, const NodesOptions& o) {
  const auto show = [&](const std::string& answer) { return o.json ? answer + "\n" : devices_table(answer); };
  if (o.watch) return watch({[&] { return whole(control); }, show, standing_of});
  const auto answer = whole(control);
  if (!answer) return complain(answer.error());
  std::cout << show(*answer);
  return 0;
}

struct EventsOptions : Printing {
  std::uint32_t limit = 50;
  std::uint64_t before = 0;  // 0: the newest
  bool watch = false;

  void declare(CLI::App& command) {
    command.add_option("--limit", limit, "So many")
        ->transform(whole_number<std::uint32_t>(1, 500))
        ->capture_default_str();
    command.add_option("--before", before, "Those before this one, as the list before said it")
        ->transform(whole_number<std::uint64_t>(1, INT64_MAX));
    add_watch(command, watch);
  }
};

int list_events(const Control& control, const EventsOptions& o) {
  const auto look = [&] {
    return control.call("GET", fmt::format("/api/residency/events?limit={}{}", o.limit,
                                           o.before == 0 ? std::string() : fmt::format("&before={}", o.before)));
  };
  const auto show = [&](const std::string& answer) { return o.json ? answer + "\n" : events_table(answer); };
  if (o.watch) return watch({look, show, [](const std::string& answer) { return answer; }});
  const auto answer = look();
  if (!answer) return complain(answer.error());
  std::cout << show(*answer);
  return 0;
}

// The first page that has one: after many that are not searched for a page may be empty.
Expected<std::string> screen(const Control& control, const Wanted& wanted) {
  const std::uint32_t limit = wanted.limit == 0 ? page_rows : std::min(wanted.limit, page_rows);
  json::Document document;
  std::string after;
  while (true) {
    auto text = ask(control, wanted, limit, after);
    if (!text) return text;
    const auto answer = document.parse(*text);
    const auto models = answer ? answer->find("models") : std::nullopt;
    if (!models || models->count() > 0) return text;
    if (after = next_of(*answer); after.empty()) return text;
  }
}

struct ModelsOptions : Printing {
  Wanted wanted;
  bool watch = false;

  void declare(CLI::App& command) {
    command.add_option("--search", wanted.search,
                       "Only those with this in their id, name, alias or adapter's id; large and small letters alike");
    command
        .add_option("--state", wanted.state,
                    "Only those that have an engine, come or are waited for (in_use), those of them in one state, or "
                    "those that cannot be served (failed)")
        ->check(CLI::IsMember({"in_use", "failed", "starting", "ready", "draining", "asleep", "waking"}));
    command.add_option("--limit", wanted.limit, "Only the first so many")->transform(whole_number<std::uint32_t>());
    add_watch(command, watch);
  }
};

// A screen of them, again and again.
int watch_models(const Control& control, const ModelsOptions& o) {
  const auto look = [&] { return screen(control, o.wanted); };
  const auto show = [&](const std::string& answer) {
    if (o.json) return answer + "\n";
    json::Document document;
    const auto root = document.parse(answer);
    const bool more = root && !next_of(*root).empty();
    return models_table(answer) + (more ? "There are more: --search and --state show others.\n" : "");
  };
  return watch({look, show, standing_of});
}

// Each page as it comes: a million models take no more memory than a thousand.
int list_models(const Control& control, const ModelsOptions& o) {
  if (o.watch) return watch_models(control, o);
  const auto told = [&, some = false](const json::Value& answer, const std::string& text, bool first) mutable {
    if (!o.json) {
      std::cout << models_table(text, first);
      return;
    }
    if (first) std::cout << head_of(answer);
    for (const json::Value model : answer.find("models")->items())
      std::cout << (std::exchange(some, true) ? ",\n" : "\n") << model.raw();
  };
  if (const auto done = each_page(control, o.wanted, told); !done) return complain(done.error());
  if (o.json) std::cout << "\n]}\n";
  return 0;
}

struct OrderOptions : Printing {
  std::string model;

  void declare(CLI::App& command) { command.add_option("model", model, "Its id, as 'model list' says it")->required(); }
};

int order(const Control& control, const OrderOptions& o, std::string_view act) {
  std::string body;
  json::Writer(body).object().member("act", act).close_object();
  return make(control, o, fmt::format("/api/models/{}/residency", percent_encoded(o.model)), body,
              {"id", "state", "pinned", "ready_in_s"});
}

}  // namespace

void add_residency(CLI::App& app, Invocation& invocation) {
  CLI::App& node = *app.add_subcommand("node", "Machines with models")->require_subcommand(1);
  add_command<NodesOptions>(node, "list", "Memories for models: how large, taken, free, and which models lie there",
                            invocation, list_nodes);
  add_command<EventsOptions>(node, "events", "What came into a memory and went, and why, the newest first", invocation,
                             list_events);
  CLI::App& model = *app.add_subcommand("model", "Models")->require_subcommand(1);
  add_command<ModelsOptions>(model, "list", "All models, by id: how they stand, where they lie, who waits, and why",
                             invocation, list_models);
  for (const auto& [act, help] :
       {std::pair("load", "Bring a model into memory; one that nobody waits for makes room"),
        std::pair("unload", "Take a model out of memory once its answers have ended; who asks for it wakes it again"),
        std::pair("sleep", "Have a model leave or forget its weights once its answers have ended, and keep its engine"),
        std::pair("wake", "Have a model that sleeps take its weights back, or read them again"),
        std::pair("pin", "Keep a model in memory always"), std::pair("unpin", "Let a pinned model make room again")})
    add_command<OrderOptions>(model, act, help, invocation,
                              [act](const Control& control, const OrderOptions& o) { return order(control, o, act); });
  add_catalogue(model, invocation);
}

}  // namespace faelled::app
