#include "command.hpp"
#include "json/document.hpp"

namespace faelled::app {
namespace {

int explain(const Control& control, const Options& options) {
  return tell(options, control.call("GET", "/api/tickets/" + percent_encoded(options.id)),
              {"message", "message_da", "state", "cause", "position", "share_percent", "waited_ms", "turn_in_ms",
               "model", "lane"});
}

int shares(const Control& control, const Options& options) {
  return show(control, options, "/api/shares", "members",
              {"member", "share", "places_max", "waiting", "running", "recent", "floor", "delivered", "lent",
               "borrowed", "credit", "wait_p50_ms", "wait_p95_ms"});
}

}  // namespace

void add_commons(CLI::App& app, std::string& config, int& status) {
  Command why(app, "explain", "Why a request waits, and what would let it go", config, status, explain);
  why->add_option("request", why.options().id, "Its x-request-id: req_…")->required();
  Command(app, "shares", "How members stand in the commons: served, lent, borrowed, waiting", config, status, shares);
}

}  // namespace faelled::app
