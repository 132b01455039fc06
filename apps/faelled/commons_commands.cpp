#include "command.hpp"
#include "command_groups.hpp"

namespace faelled::app {
namespace {

struct ExplainOptions : Printing {
  std::string request;

  void declare(CLI::App& command) { command.add_option("request", request, "Its x-request-id: req_…")->required(); }
};

int explain(const Control& control, const ExplainOptions& o) {
  return tell(o, control.call("GET", "/api/tickets/" + percent_encoded(o.request)),
              {"message", "message_da", "state", "cause", "position", "share_percent", "waited_ms", "turn_in_ms",
               "model", "lane"});
}

int shares(const Control& control, const Printing& printing) {
  return show(control, printing, "/api/shares", "members",
              {"member", "share", "places_max", "waiting", "running", "recent", "floor", "delivered", "lent",
               "borrowed", "credit", "wait_p50_ms", "wait_p95_ms"});
}

}  // namespace

void add_commons(CLI::App& app, Invocation& invocation) {
  add_command<ExplainOptions>(app, "explain", "Why a request waits, and what would let it go", invocation, explain);
  add_command<Printing>(app, "shares", "How members stand in the commons: served, lent, borrowed, waiting", invocation,
                        shares);
}

}  // namespace faelled::app
