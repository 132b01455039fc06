// LearnedKeeper: what was learned of models, when they are asked for and how long they take to load, outlives the
// process. Servers on one database see parts of the same days: what the last of them kept is what the next one begins
// with. Owned by Keepers; loop's thread.
#pragma once

#include <functional>
#include <string>

#include "base/clock.hpp"
#include "mesh/learned.hpp"
#include "mesh/mesh.hpp"
#include "net/loop.hpp"
#include "net/timer.hpp"
#include "observe/log.hpp"
#include "store/store_thread.hpp"

namespace faelled::keeping {

class LearnedKeeper {
 public:
  LearnedKeeper(net::Loop& loop, const Clock& clock, mesh::Mesh& mesh, store::StoreThread& store, observe::Log& log);

  // At start, once the models are known and before the loop runs. Errors: the store's; what cannot be read is told in
  // the log and learned anew, that of models that are gone is dropped.
  Expected<void> restore();
  // Each quarter of an hour, and at the end; `then` is called when all is kept, or could not be.
  void save(std::function<void()> then);

 private:
  // As the store has it.
  struct Kept {
    std::string_view setting;
    std::string text;
  };
  Expected<void> fetch(Kept& kept);
  template <class All>
  void learn(const Expected<All>& read);
  void keep(Kept& kept, std::string now, std::function<void()> then);

  const Clock& clock_;
  mesh::Mesh& mesh_;
  store::StoreThread& store_;
  observe::Log& log_;
  net::Timer timer_;
  Kept habits_{mesh::habits_setting, {}};
  Kept loads_{mesh::loads_setting, {}};
};

}  // namespace faelled::keeping
