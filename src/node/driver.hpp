// Driver: what differs between the engines that we start ourselves. What they share, a process that is watched and
// started again, is in engine_host. One per host, owned by it; loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engines/adapters.hpp"
#include "engines/command.hpp"
#include "engines/gauges.hpp"
#include "engines/model_settings.hpp"
#include "node/sandbox.hpp"
#include "node/supervisor.hpp"
#include "rpc/messages.hpp"

namespace faelled::node {

struct EngineFolders {
  std::string sockets;
  std::string logs;
  std::string log;                       // its file in there: one for each engine that runs
  std::string compiled;                  // see compiled.hpp
  std::vector<std::string> environment;  // our own, of which a GPU's part is passed on
  std::uint64_t gpu_bytes = 0;           // of the GPU that it gets, models of others too; 0: it gets none
};

// Where one process of an engine lies.
struct EnginePlace {
  std::string folder;  // it writes there, and nowhere else
  std::string socket;
  bool own_folder = false;  // made for this process, and removed with it
  std::string compiled;     // stays, see compiled.hpp; empty: it compiles nothing
};

// One thing to ask an engine that is thought to live.
struct Question {
  const char* method = "GET";
  std::string target;
  std::string body;
  std::size_t answer_bytes_max = 1024 * 1024;
  Duration within_least{};  // where an answer may take longer than a sign of life
  // Whether an answer with 200 says what it should. It may remember what it hears in its driver, which outlives it.
  std::function<bool(std::string_view answer)> satisfied_by = [](std::string_view) { return true; };
};

// A call that brings a ready engine nearer to what its model is now.
struct Change {
  Question call;
  // It was answered, with 200 or not: its driver, which outlives this, notes what the engine has, whatever its model
  // has become meanwhile. What did not work, in words; empty: it did.
  std::function<std::string(bool done)> answered;
  // No answer came, and the engine may have done it: a later change begins anew. What is not tried again, in words.
  std::function<std::string()> unanswered;
};

class Driver {
 public:
  virtual ~Driver() = default;

  virtual const char* kind() const = 0;
  // Files whose change makes a model that was found wrong worth another look.
  virtual std::vector<std::string> files() const = 0;
  // Looks through them. The job is for a thread that may block, and touches nothing of ours; what it found the driver
  // remembers when that is called, on the loop's thread, if the driver is still there.
  using Found = std::function<void()>;
  virtual std::function<Expected<Found>()> look() = 0;
  // The engine's own patience needs, beside the operator's.
  virtual Patience patience(Patience patience) const { return patience; }

  // `name`: unique, at most 12 letters.
  virtual EnginePlace place(const EngineFolders& folders, const std::string& name) const = 0;
  // Writes what the process needs into its own folder, and says how to start it.
  virtual Expected<engines::Command> prepare(const EnginePlace& place, const EngineFolders& folders) = 0;
  virtual Reach reach(const EnginePlace& place) const = 0;
  // Whether its own processes call each other on unix sockets.
  virtual bool calls_itself() const { return false; }

  // Whether it can leave its weights in another memory and come back; without it the last five kinds are never asked.
  virtual bool can_sleep() const { return false; }
  // Whether it can also sleep at level 2, without its weights, and read them again.
  virtual bool can_forget() const { return false; }
  // What to ask, one after the other, before it counts as ready or asleep, or to learn whether its loop still turns.
  virtual std::vector<Question> questions(ProbeKind kind) = 0;
  // Whether any status but 503 means that its loop turns.
  virtual bool any_status_is_work() const { return false; }

  // What it measures of itself, by what it says at /metrics.
  virtual engines::Gauges gauges(std::string_view metrics) const = 0;

  // Of what a look found; 0: it has not looked.
  virtual std::uint64_t memory_need() const = 0;
  // Adapters of the process that runs, in its own order: those that it can be asked for now.
  virtual std::vector<rpc::EngineAdapter> adapters() const { return {}; }
  // What was found wrong with adapters at the last look, a text each: the model is served without them.
  virtual const std::vector<std::string>& without() const { return without_; }
  // The model has other adapters now; all else is as it was. False: that needs a new process.
  virtual bool adopt(const engines::ModelSettings&) { return false; }
  // The next that a ready engine needs to have what was adopted; nothing: it has.
  virtual std::optional<Change> change() { return std::nullopt; }

  virtual bool tools() const = 0;
  virtual std::uint32_t context_tokens() const = 0;

 protected:
  std::vector<std::string> without_;
};

// What is wrong with them, for without().
std::vector<std::string> in_words(const engines::ModelSettings& model, const engines::Adapters& adapters);

// `sleeps`: there is a memory where it can leave its weights.
std::unique_ptr<Driver> driver_of(const engines::ModelSettings& model, bool sleeps);

// Changes when a file is replaced or mended.
std::string fingerprint(const std::string& path);

// Errors: io, where a template that is named cannot be read.
Expected<void> look_at_template(const engines::ModelSettings& model);

}  // namespace faelled::node
