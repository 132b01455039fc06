// Host: one model's place on this node, behind which an engine of either kind runs. Owned by the node, kept alive by
// the probe it has under way; loop's thread. close() lets go of everything at once.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "engines/gauges.hpp"
#include "engines/model_settings.hpp"
#include "http/client.hpp"
#include "net/loop.hpp"
#include "observe/log.hpp"
#include "rpc/messages.hpp"

namespace faelled::node {

// What a host works with; all of it outlives the host.
struct Surroundings {
  net::Loop& loop;
  http::Client& client;
  const Clock& clock;
  Random& random;
  observe::Log& log;
  std::function<void()> changed;  // report() is no longer what it was
};

class Host {
 public:
  virtual ~Host() = default;
  virtual void begin() = 0;
  virtual void look_now() = 0;
  virtual void stop(Duration drain) = 0;
  // Nothing runs on it: gives its memory back as fast as can be.
  virtual void unload() = 0;
  // The model's adapters have changed, or other settings. True: what runs has or takes what is new; false: it needs a
  // new process.
  virtual bool adapt(const engines::ModelSettings&) { return false; }
  // Nothing runs on it: leaves its weights in the memory behind its device, or at level 2 forgets them, and has them
  // back. Only of one that can.
  virtual void sleep(std::uint8_t /*level*/) {}
  virtual void wake() {}
  virtual bool ended() const = 0;
  virtual void close() = 0;
  virtual rpc::EngineReport report() const = 0;
  // Bytes of this machine's memory that its processes hold now; 0: none, or none of ours.
  virtual std::uint64_t memory_read() const { return 0; }
  // What the model needs by its file, once that was looked at; 0: not yet, or none of ours.
  virtual std::uint64_t memory_need() const { return 0; }
  virtual std::vector<pid_t> processes() const { return {}; }
  // What its engine said last that it measures of itself; of one that is not ready nothing.
  virtual engines::Gauges gauges() const { return {}; }
};

}  // namespace faelled::node
