// CommonsKeeper: what the commons needs around it while the server runs: the passing of time, what agreements say, and
// balances that outlive the process. Loop's thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "members/directory.hpp"
#include "mesh/balances.hpp"
#include "mesh/mesh.hpp"
#include "net/loop.hpp"
#include "net/timer.hpp"
#include "observe/log.hpp"
#include "store/store_thread.hpp"

namespace faelled::keeping {

class CommonsKeeper {
 public:
  // `places`: how many there are to promise, as configured, so that an engine that loads or is away for a moment
  // changes nobody's limit, and what the page shows is what counts; 0: not known, and nothing is scaled.
  CommonsKeeper(net::Loop& loop, const Clock& clock, mesh::Mesh& mesh, members::Directory& directory,
                store::StoreThread& store, observe::Log& log, std::function<std::uint64_t()> places);

  // At start, before the loop runs. Errors: the store's; balances that cannot be read are told in the log and begin
  // anew.
  Expected<void> restore();
  // At the end; `then` is called when the balances are kept, or could not be. What another server kept meanwhile, as
  // while one takes over from the other, is added and not overwritten.
  void save(std::function<void()> then);

 private:
  void tick();
  void tell_agreements();
  void take(const mesh::Balances& balances);  // that are kept and not ours yet
  // What the store may have without our knowing: it did not answer whether it took it.
  struct Tried {
    std::string text;
    mesh::Balances own;  // in it
  };

  const Clock& clock_;
  mesh::Mesh& mesh_;
  members::Directory& directory_;
  store::StoreThread& store_;
  observe::Log& log_;
  net::Timer timer_;
  std::function<std::uint64_t()> places_;
  std::map<std::string, commons::Agree> told_;
  std::uint64_t told_places_ = 0;
  std::optional<WallTime> changes_at_;  // when what was told becomes something else by itself
  mesh::Balances kept_;                 // what the store had when it was last read or written
  std::vector<Tried> unsure_;
  Instant saved_at_;
  bool saving_ = false;
  std::function<void()> save_again_;  // asked while it was being done
};

}  // namespace faelled::keeping
