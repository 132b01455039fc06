// Node: the hands on this machine. Watches upstreams, starts and ends engines of our own as the mesh directs, and tells
// the mesh what it holds. Owned by main(), loop's thread; that thread must live as long as the process (see child.hpp).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "engines/gauges.hpp"
#include "engines/model_settings.hpp"
#include "net/timer.hpp"
#include "node/gpu_books.hpp"
#include "node/gpus.hpp"
#include "node/supervisor.hpp"
#include "node/upstream.hpp"
#include "rpc/ports.hpp"

namespace faelled::net {
class Loop;
}
namespace faelled::http {
class Client;
}
namespace faelled::observe {
class Log;
}

namespace faelled::node {

class Host;

class Node final : public rpc::NodePort {
 public:
  struct Settings {
    std::string name = "local";
    std::string folder;  // the data folder: engines/ (logs) and run/ (sockets) are made in it, for the owner alone
    std::vector<engines::ModelSettings> models;  // at first
    // A model of ours by its id, when its engine begins; nothing: there is none. Left out: they are kept as know()
    // told.
    std::function<std::optional<engines::ModelSettings>(const std::string& model)> look_up;
    std::vector<rpc::DeviceReport> devices;  // but for GPUs
    std::vector<Gpu> gpus;                   // as they were before anything of ours lay in them
    std::string gpu_backing;                 // device where sleepers of a GPU leave their weights; empty: none
    std::vector<std::string> environment;    // our own, of which a GPU's part is passed on
    Patience patience;
    UpstreamPatience upstream_patience;
    Duration memory_read_every = std::chrono::seconds(5);
    Duration gpu_silent_max = std::chrono::seconds(30);  // then an engine is believed that it sleeps, unseen
  };

  Node(net::Loop& loop, http::Client& client, const Clock& clock, Random& random, observe::Log& log,
       rpc::ReportPort& reports, Settings settings);
  ~Node() override;  // ends at once what stop() has not ended
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Makes its folders and begins with every upstream; the first report comes before it returns.
  Expected<void> start();
  // The catalogue knows a model, or one has changed: an engine that runs goes on with what it began with, but for
  // adapters, where it can. An upstream is watched from now on. False: what runs is not as the model is now.
  bool know(const engines::ModelSettings& model);
  // It is gone from the catalogue. An upstream is watched no more; an engine of ours ends when it is told to.
  void forget(const std::string& model);
  // Begins the engine of a model of its settings, ends it at once, or has it sleep or wake, on a later turn of the
  // loop: the report that follows does not come from inside this call. One that cannot be served is reported as failed;
  // one that does not fall asleep ends.
  void direct(const rpc::Directive& directive) override;
  // What the driver says of GPUs now. One that it does not name any more stays as it was.
  void read(const std::vector<Gpu>& gpus);
  // Asked for two readings at once, the second of which began after now: an engine on a GPU counts as asleep once it
  // was seen what it gave back.
  void on_gpu_wish(std::function<void()> asked) { gpu_wish_ = std::move(asked); }
  // Somebody saw this engine break an answer off: look at it now.
  void look_at(const std::string& engine);
  // Engines get no new work from here on, are asked to stop after `drain` and killed Patience::stop_grace later.
  // `ended` is called once, on a later turn of the loop, when none is left.
  void stop(Duration drain, std::function<void()> ended);

  rpc::Report report() const;

  // What each engine of ours that is ready measures of itself, as it said last.
  struct Measured {
    std::string model;
    std::string device;  // no two engines of a model are on one
    engines::Gauges gauges;
  };
  std::vector<Measured> measured() const;

 private:
  struct GpuDevice {
    std::string device;
    Gpu last;
    GpuBooks books;
    std::uint64_t told = 0;  // bytes for models, as last reported
  };
  struct Held {
    std::shared_ptr<Host> host;
    std::string model;
    std::string device;  // empty: it takes no memory of ours
    std::uint64_t bytes_read = 0;
    std::uint64_t bytes_beside = 0;  // of the machine's memory, where it lies on a GPU
    bool asleep = false;
    int readings_due = 0;  // of its GPU, before it is believed that it sleeps
    Instant slept_at{};
  };

  Expected<void> make_folders();
  void begin(const engines::ModelSettings& model, const std::string& device);
  void carry_out(const rpc::Directive& directive, const std::optional<engines::ModelSettings>& model);
  std::optional<engines::ModelSettings> settings_of(const std::string& model) const;
  void forget_upstream(const std::string& model);
  const GpuDevice* gpu(const std::string& device) const;
  rpc::DeviceReport* beside_gpus(std::vector<rpc::DeviceReport>& devices) const;
  bool sleeps_on(const std::string& device) const;
  void read_memory();
  void changed();

  net::Loop& loop_;
  http::Client& client_;
  const Clock& clock_;
  Random& random_;
  observe::Log& log_;
  rpc::ReportPort& reports_;
  Settings settings_;
  std::string sockets_;
  bool stopping_ = false;
  bool sockets_elsewhere_ = false;  // not in the data folder, whose path is too long for a socket
  std::unordered_map<std::string, engines::ModelSettings> models_;
  std::vector<Held> hosts_;
  std::function<void()> gpu_wish_;
  std::vector<GpuDevice> gpus_;
  net::Timer reading_;
  std::shared_ptr<Node*> self_;  // what is posted looks whether we are still there
  bool beginning_ = false;
  std::function<void()> ended_;
};

}  // namespace faelled::node
