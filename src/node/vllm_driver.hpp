// VllmDriver: a folder of safetensors behind a vLLM.
//
// What it made us do (docs/decisions/0024-vllm.md): it says nothing at all while it loads; its /health says 200 while
// it sleeps, and while it cannot answer a single request; its socket is there long before it is ready and stays after
// its end; its processes outlive each other. So it is asked for a token, has a folder of its own for each process, and
// its Python ends with its parent. Where its device has a memory behind it, it is started so that it can sleep
// (docs/decisions/0027-sleep.md, and without its weights docs/decisions/0032-level-2.md).
#pragma once

#include "engines/model_folder.hpp"
#include "engines/vllm_server.hpp"
#include "node/driver.hpp"

namespace faelled::node {

class VllmDriver final : public Driver {
 public:
  VllmDriver(engines::ModelSettings model, bool sleeps);

  const char* kind() const override { return "vllm"; }
  std::vector<std::string> files() const override;
  std::function<Expected<Found>()> look() override;
  Patience patience(Patience patience) const override;
  EnginePlace place(const EngineFolders& folders, const std::string& name) const override;
  Expected<engines::Command> prepare(const EnginePlace& place, const EngineFolders& folders) override;
  Reach reach(const EnginePlace& place) const override;
  bool calls_itself() const override { return true; }
  // The processor's build refuses to start when it is told that it shall be able to.
  bool can_sleep() const override { return sleeps_ && !for_processors_; }
  bool can_forget() const override { return can_sleep() && engines::vllm_forgets(model_); }
  std::vector<Question> questions(ProbeKind kind) override;
  engines::Gauges gauges(std::string_view metrics) const override { return engines::vllm_gauges(metrics); }
  std::vector<rpc::EngineAdapter> adapters() const override;
  bool adopt(const engines::ModelSettings& model) override;
  std::optional<Change> change() override;
  bool tools() const override { return !model_.tool_parser.empty(); }
  std::uint64_t memory_need() const override;
  std::uint32_t context_tokens() const override;

 private:
  engines::ModelSettings model_;
  enum class There : std::uint8_t { yes, no, perhaps };
  // An adapter that the process has, or could not be given.
  struct Given {
    engines::AdapterSettings adapter;
    std::string upstream_model;
    There there = There::yes;
  };
  std::vector<Given>::const_iterator unwanted() const;
  const engines::AdapterSettings* missing() const;
  std::string name_of_next(const engines::AdapterSettings& adapter) const;
  void note(const engines::AdapterSettings& adapter, const std::string& name, There there);
  void drop(const std::string& name);

  engines::ModelFolder folder_;
  bool for_processors_;  // the program was built for them
  bool sleeps_;
  std::vector<engines::AdapterSettings> adapters_;    // those of the model that can be used
  std::vector<engines::AdapterSettings> begun_with_;  // by the process that runs
  std::vector<Given> given_;                          // to the process that runs
  std::uint32_t unanswered_ = 0;                      // calls since an adapter was taken or refused
  std::uint64_t names_ = 0;                           // given so far: none is used twice
  std::string sample_;                                // of its answers, before it forgot its weights
};

}  // namespace faelled::node
