// DecisionsKeeper: the decision log while the server runs: sees what the mesh decides, has it written a moment later,
// and tells the log when the disk does not take it. A log that cannot be written stops nobody. Loop's thread.
#pragma once

#include "base/clock.hpp"
#include "decisions/decision_log.hpp"
#include "mesh/mesh.hpp"
#include "net/loop.hpp"
#include "net/timer.hpp"
#include "observe/log.hpp"

namespace faelled::keeping {

class DecisionsKeeper {
 public:
  // Before anything is decided, as a replay needs all.
  DecisionsKeeper(net::Loop& loop, const Clock& clock, mesh::Mesh& mesh, decisions::DecisionLog& decisions,
                  observe::Log& log);
  // At the end, when nothing is decided any more.
  void close();

 private:
  void write();
  void tell(const Expected<void>& written);

  const Clock& clock_;
  mesh::Mesh& mesh_;
  decisions::DecisionLog& decisions_;
  observe::Log& log_;
  net::Timer timer_;
  bool told_ = false;
};

}  // namespace faelled::keeping
