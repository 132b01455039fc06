// What /metrics tells of the server as a whole; what happens to requests, models and files is told where it happens.
#pragma once

#include "front.hpp"
#include "pool.hpp"
#include "process.hpp"
#include "storage.hpp"

namespace faelled::app {

// Read at each scrape, so as long as all of these live.
void add_server_metrics(const Process& process, const Storage& storage, const Pool& pool, Front& front);

}  // namespace faelled::app
