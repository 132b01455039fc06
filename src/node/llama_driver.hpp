// LlamaDriver: a GGUF file behind a llama-server.
#pragma once

#include "engines/gguf.hpp"
#include "node/driver.hpp"

namespace faelled::node {

class LlamaDriver final : public Driver {
 public:
  explicit LlamaDriver(engines::ModelSettings model) : model_(std::move(model)) {}

  const char* kind() const override { return "llama"; }
  std::vector<std::string> files() const override { return {model_.file, model_.chat_template_file}; }
  std::vector<rpc::EngineAdapter> adapters() const override;
  std::function<Expected<Found>()> look() override;
  EnginePlace place(const EngineFolders& folders, const std::string& name) const override;
  Expected<engines::Command> prepare(const EnginePlace& place, const EngineFolders& folders) override;
  Reach reach(const EnginePlace& place) const override;
  std::vector<Question> questions(ProbeKind kind) override;
  engines::Gauges gauges(std::string_view metrics) const override { return engines::llama_gauges(metrics); }
  bool any_status_is_work() const override { return true; }
  bool tools() const override { return tools_; }
  std::uint64_t memory_need() const override;
  std::uint32_t context_tokens() const override;

 private:
  engines::ModelSettings model_;
  engines::GgufSummary file_;
  std::vector<engines::AdapterSettings> adapters_;  // those of the model that can be used
  std::uint64_t adapter_bytes_ = 0;
  bool tools_ = false;  // of the process that runs: its chat template knows them
};

}  // namespace faelled::node
