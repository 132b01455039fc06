// LlamaHost: carries out what Supervisor decides for one llama-server: looks at the file, spawns, asks, listens to its
// output, kills. See host.hpp for who owns it.
#pragma once

#include <optional>
#include <string>

#include "engines/llama_server.hpp"
#include "net/timer.hpp"
#include "net/watch.hpp"
#include "node/child.hpp"
#include "node/engine_log.hpp"
#include "node/host.hpp"
#include "node/supervisor.hpp"

namespace faelled::node {

struct LlamaFolders {
  std::string sockets;
  std::string logs;
  std::vector<std::string> environment;  // our own, of which a GPU's part is passed on
};

class LlamaHost final : public Host, public std::enable_shared_from_this<LlamaHost> {
 public:
  LlamaHost(Surroundings around, engines::ModelSettings model, LlamaFolders folders, Patience patience);
  ~LlamaHost() override;

  void begin() override { tell(event::Begin{}); }
  void look_now() override { tell(event::LookNow{}); }
  void stop(Duration drain) override { tell(event::Stop{drain}); }
  void unload() override { tell(event::Stop{{}, true}); }
  bool ended() const override { return supervisor_.ended(); }
  void close() override;
  rpc::EngineReport report() const override;
  std::uint64_t memory_read() const override;

 private:
  void tell(const Event& event);
  void carry_out(const action::CheckFile&);
  void carry_out(const action::Spawn&);
  void carry_out(const action::Probe& probe);
  void carry_out(const action::AskToStop&);
  void carry_out(const action::Kill& kill);
  void carry_out(const action::Report&);

  Expected<engines::GgufSummary> look_at_file() const;
  Expected<void> spawn();
  static net::Task<void> ask(std::shared_ptr<LlamaHost> self, ProbeKind kind, Duration within, std::uint64_t number);
  net::Task<bool> ask_for_tools(Duration within);
  void watch_output();
  void take_output(std::size_t bytes_max);
  void child_ended();
  Duration processor_used() const;

  Surroundings around_;
  engines::ModelSettings model_;
  LlamaFolders folders_;
  Supervisor supervisor_;
  std::string id_;
  std::string socket_path_;
  engines::GgufSummary file_;
  bool tools_ = false;      // of the process that runs: its chat template knows them
  std::string file_seen_;   // its size and times when it was last found wrong
  std::string file_wrong_;  // what was wrong with it then
  std::uint64_t probes_ = 0;
  bool closed_ = false;
  std::unique_ptr<Child> child_;
  std::optional<EngineLog> engine_log_;
  std::unique_ptr<net::Readable> exit_watch_;
  std::unique_ptr<net::Readable> output_watch_;
  net::Timer timer_;
};

}  // namespace faelled::node
