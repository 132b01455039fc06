#include "housekeeping.hpp"

#include <ctime>

#include "net/event.hpp"

namespace faelled::app {

net::Task<void> keep_house(gateway::Context& context, members::Directory& directory, members::Retention& retention) {
  while (!context.shutting_down) {
    const WallTime now = context.clock.wall();
    directory.audit().flush(now);
    std::size_t erased = 0;
    net::Event done;
    retention.run(now, [&](Expected<std::size_t> given) {
      if (given) {
        erased = *given;
      } else {
        context.log.error("old conversations were not erased", {{"cause", given.error().message}});
      }
      done.set();
    });
    co_await done;
    if (erased > 0) context.log.info("old conversations were erased", {{"conversations", erased}});
    co_await context.loop.sleep(erased < limits::retention_rows_max ? Duration(limits::housekeeping_every)
                                                                    : Duration(limits::housekeeping_goes_on_after));
  }
}

net::Task<void> tell_the_time(const gateway::Context& context, mesh::Mesh& mesh) {
  constexpr std::int64_t quarter_s = 15 * 60;
  while (!context.shutting_down) {
    const std::time_t now = unix_seconds(context.clock.wall());
    std::tm local{};
    ::localtime_r(&now, &local);
    mesh.quarter(
        {static_cast<std::uint32_t>(local.tm_hour * 4 + local.tm_min / 15), local.tm_wday >= 1 && local.tm_wday <= 5});
    co_await context.loop.sleep(std::chrono::seconds(quarter_s - (local.tm_min * 60 + local.tm_sec) % quarter_s));
  }
}

}  // namespace faelled::app
