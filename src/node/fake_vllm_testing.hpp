// A model of tests/fake_vllm, which has the faults of the real one on demand. For tests.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "engines/model_settings.hpp"

namespace faelled::node {

inline void write_file(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

// Makes the folder. `faults`: words of tests/fake_vllm/bin/vllm; the file of that name may be written anew.
inline engines::ModelSettings fake_vllm_model(const std::string& id, const std::string& folder,
                                              std::string_view faults) {
  std::filesystem::create_directory(folder);
  write_file(folder + "/config.json",
             R"({"architectures":["Qwen3ForCausalLM"],"dtype":"bfloat16","max_position_embeddings":512,)"
             R"("num_hidden_layers":1,"num_attention_heads":1,"hidden_size":32})");
  write_file(folder + "/tokenizer.json", "{}");
  write_file(folder + "/chat_template.jinja", "{{ messages }}");
  const std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  write_file(folder + "/model.safetensors",
             std::string(1, static_cast<char>(header.size())) + std::string(7, '\0') + header + "x");
  write_file(folder + "/faults", faults);
  engines::ModelSettings model;
  model.kind = engines::EngineKind::vllm;
  model.id = id;
  model.folder = folder;
  model.vllm = FAELLED_SOURCE_DIR "/tests/fake_vllm/bin/vllm";
  model.places = 1;
  return model;
}

}  // namespace faelled::node
