// HabitsKeeper: what was learned of when models are asked for outlives the process. Servers on one database see parts
// of the same days: what the last of them kept is what the next one begins with. Owned by Keepers; loop's thread.
#pragma once

#include <functional>
#include <string>

#include "base/clock.hpp"
#include "mesh/habits.hpp"
#include "mesh/mesh.hpp"
#include "net/loop.hpp"
#include "net/timer.hpp"
#include "observe/log.hpp"
#include "store/store_thread.hpp"

namespace faelled::keeping {

class HabitsKeeper {
 public:
  HabitsKeeper(net::Loop& loop, const Clock& clock, mesh::Mesh& mesh, store::StoreThread& store, observe::Log& log);

  // At start, once the models are known and before the loop runs. Errors: the store's; habits that cannot be read are
  // told in the log and learned anew, those of models that are gone are dropped.
  Expected<void> restore();
  // Each quarter of an hour, and at the end; `then` is called when they are kept, or could not be.
  void save(std::function<void()> then);

 private:
  const Clock& clock_;
  mesh::Mesh& mesh_;
  store::StoreThread& store_;
  observe::Log& log_;
  net::Timer timer_;
  std::string kept_;  // as the store has them
};

}  // namespace faelled::keeping
