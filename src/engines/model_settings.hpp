// ModelSettings: what the operator wrote about one model. Filled by config, read by engines, node and gateway, never
// changed afterwards. A value; paths are already absolute.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace faelled::engines {

enum class EngineKind : std::uint8_t {
  llama,   // our own supervised llama-server on a unix socket
  vllm,    // our own supervised vLLM on a unix socket
  openai,  // an OpenAI-compatible server that somebody else runs
};

constexpr const char* name_of(EngineKind kind) {
  switch (kind) {
    case EngineKind::llama:
      return "llama";
    case EngineKind::vllm:
      return "vllm";
    case EngineKind::openai:
      break;
  }
  return "openai";
}

// A LoRA on top of a model; its engine serves both.
struct AdapterSettings {
  std::string name;  // clients ask for "id of the model:name"
  std::string path;  // llama: a GGUF file; vllm: a folder with adapter_config.json and adapter_model.safetensors
  bool operator==(const AdapterSettings&) const = default;
};

struct ModelSettings {
  std::string id;    // what clients call it
  std::string name;  // what people read; empty: the id
  EngineKind kind = EngineKind::llama;

  std::uint32_t places = 4;          // requests at once; on llama-server the slots (key `concurrency`)
  std::uint32_t context_tokens = 0;  // promised to each place; 0: the file's own, at most context_tokens_default
  bool embeddings = false;           // serves /v1/embeddings and nothing else
  bool rerank = false;               // serves /v1/rerank and nothing else
  bool shorter_vectors = false;      // the beginning of its vectors is a vector: clients may ask for fewer dimensions
  bool demo = false;                 // proves the path; the page says it is not for work
  std::vector<std::string> stop;     // added to the client's own, for models that do not know when they are done

  bool pinned = false;  // in memory always; only of what we start ourselves

  // kind llama
  std::string file;          // GGUF; empty: it is fetched, and not even its name is known yet
  std::string llama_server;  // the binary
  std::string source;  // where `file`, or vLLM's `folder`, is fetched from, as it was written; empty: it lies there
  std::string sha256;  // of what is fetched, in hex; empty: the source's hub says it

  // kind vllm
  std::string folder;                // config.json, *.safetensors and the tokenizer; empty as `file`
  std::string tool_parser;           // its name for how the model writes tool calls; empty: tools are refused
  std::string vllm;                  // the program
  std::uint32_t adapters_max = 4;    // so many adapters answer at once
  std::uint32_t adapters_rank = 16;  // the largest that one may have
  std::string adapters_folder;       // those below it come while the engine runs; empty: none do

  // both of them
  std::uint32_t copies = 0;        // the most engines of it at once; 0: as many as there are memories of its kind
  bool gpu = false;                // it lies in a GPU's memory, not in the machine's
  std::uint32_t threads = 0;       // 0: the engine's default
  std::string chat_template_file;  // Jinja; empty: the model's own
  std::vector<AdapterSettings> adapters;

  // kind openai
  std::string url;               // up to and with "/v1"
  std::string upstream_model;    // empty: the id
  std::string ca_file;           // https: PEM; empty: what the system trusts
  std::string certificate_file;  // https: what we show; empty: nothing
  std::string key_file;
  std::string api_key;  // secret: never logged, never in a message; empty: none

  // Whether its engine can divide it among several GPUs. vLLM's processes find each other on TCP, which our sandbox
  // shuts.
  bool spreads() const { return kind == EngineKind::llama; }
  bool takes_adapters() const { return !adapters.empty() || !adapters_folder.empty(); }
  bool operator==(const ModelSettings&) const = default;
};

// Nothing differs that the engine was begun with, but for its adapters.
inline bool same_but_adapters(ModelSettings a, const ModelSettings& b) {
  a.name = b.name;
  a.demo = b.demo;
  a.pinned = b.pinned;
  a.copies = b.copies;
  a.shorter_vectors = b.shorter_vectors;
  a.stop = b.stop;
  a.adapters = b.adapters;
  a.source = b.source;
  a.sha256 = b.sha256;
  return a == b;
}

}  // namespace faelled::engines
