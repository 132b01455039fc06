// EngineHost: carries out what Supervisor decides for one engine that we start ourselves: looks at the files, spawns,
// asks, listens to its output, kills. What differs between engines is in its Driver. See host.hpp for who owns it.
#pragma once

#include <optional>
#include <string>

#include "net/aside.hpp"
#include "net/timer.hpp"
#include "net/watch.hpp"
#include "node/child.hpp"
#include "node/driver.hpp"
#include "node/engine_log.hpp"
#include "node/host.hpp"
#include "node/supervisor.hpp"

namespace faelled::node {

// User and system time of the process and of the children that it has waited for, whom /proc lists no more: a compiler
// that vLLM starts, above all (/proc/PID/stat, fields 14 to 17, proc(5)). Zero: there is no such process.
Duration processor_used_by(pid_t pid);

class EngineHost final : public Host, public std::enable_shared_from_this<EngineHost> {
 public:
  // `sleeps`: its device has a memory behind it where it can leave its weights.
  EngineHost(Surroundings around, engines::ModelSettings model, EngineFolders folders, Patience patience,
             bool sleeps = false);
  ~EngineHost() override;

  void begin() override { tell(event::Begin{}); }
  void look_now() override;
  void stop(Duration drain) override { tell(event::Stop{drain}); }
  void unload() override { tell(event::Stop{{}, true}); }
  bool adapt(const engines::ModelSettings& model) override;
  void sleep(std::uint8_t level) override;
  void wake() override { tell(event::Wake{}); }
  bool ended() const override { return supervisor_.ended(); }
  void close() override;
  rpc::EngineReport report() const override;
  std::uint64_t memory_read() const override;
  std::uint64_t memory_need() const override { return driver_->memory_need(); }
  std::vector<pid_t> processes() const override;
  engines::Gauges gauges() const override;

 private:
  void tell(const Event& event);
  void tick();
  void carry_out(const action::CheckFile&);
  void carry_out(const action::Spawn&);
  void carry_out(const action::Probe& probe);
  void carry_out(const action::AskToStop&);
  void carry_out(const action::Kill& kill);
  void carry_out(const action::Report&);

  Expected<void> spawn();
  static net::Task<void> ask(std::shared_ptr<EngineHost> self, ProbeKind kind, Duration within, std::uint64_t number);
  void begin_to_measure();
  static net::Task<void> measure(std::shared_ptr<EngineHost> self);
  static net::Task<void> change(std::shared_ptr<EngineHost> self);
  bool change_due() const;
  void begin_change();
  void say_without() const;
  void leave_place();
  void watch_output();
  void watch_calls();
  void shut_calls();
  void take_output(std::size_t bytes_max);
  void child_ended();
  Duration processor_used() const;

  Surroundings around_;
  engines::ModelSettings model_;
  EngineFolders folders_;
  std::unique_ptr<Driver> driver_;
  Supervisor supervisor_;
  std::string id_;
  EnginePlace place_;       // of the process that runs, or ran last
  std::string file_seen_;   // sizes and times of the files when they were last found wrong
  std::string file_wrong_;  // what was wrong with it then
  std::uint64_t probes_ = 0;
  bool closed_ = false;
  bool changing_ = false;         // a call that gives it an adapter or takes one is under way
  bool change_can_wait_ = false;  // such a call was not answered: none before the next sign of life
  Duration measure_every_;
  Instant measured_at_{};
  bool measuring_ = false;
  engines::Gauges gauges_;
  Instant gauges_at_{};
  std::unique_ptr<Child> child_;
  std::optional<EngineLog> engine_log_;
  std::unique_ptr<net::Readable> exit_watch_;
  std::unique_ptr<net::Readable> output_watch_;
  std::unique_ptr<net::Readable> calls_watch_;
  net::Timer timer_;
  net::Aside aside_;  // for a look at its files; ends first
};

}  // namespace faelled::node
