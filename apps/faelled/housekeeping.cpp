#include "housekeeping.hpp"

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

}  // namespace faelled::app
