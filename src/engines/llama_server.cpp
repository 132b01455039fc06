#include "engines/llama_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/limits.hpp"
#include "json/document.hpp"

namespace faelled::engines {

namespace {

std::vector<std::string> environment_from(const std::vector<std::string>& inherited) {
  static constexpr std::array<std::string_view, 3> backends{"GGML_CUDA_", "GGML_VK_", "OMP_"};
  // GGML_NO_BACKTRACE: a dying engine would start a debugger on itself and print what it finds.
  std::vector<std::string> environment{"LANG=C.UTF-8", "HOME=/nonexistent", "GGML_NO_BACKTRACE=1"};
  pass_on(environment, inherited, backends);
  return environment;
}

}  // namespace

Expected<std::uint32_t> context_tokens_per_place(const ModelSettings& model, const GgufSummary& file) {
  return context_of_place(model, file.context_tokens, model.file);
}

std::uint64_t context_share(const GgufSummary& file, std::uint32_t context_tokens) {
  constexpr std::uint64_t step = 256;
  const std::uint64_t share = (std::uint64_t{context_tokens} + step - 1) / step * step;
  if (file.context_tokens == 0) return share;
  return std::min<std::uint64_t>(share, std::max(file.context_tokens, context_tokens));
}

Expected<Command> llama_server_command(const ModelSettings& model, const GgufSummary& file,
                                       const std::string& socket_path, const std::vector<std::string>& inherited) {
  if (!socket_path.ends_with(".sock") || socket_path.size() > limits::unix_path_bytes_max) {
    return fail(Errc::invalid,
                fmt::format("socket path {} must end in .sock and have at most {} characters", socket_path,
                            limits::unix_path_bytes_max),
                "choose a data folder with a shorter path");
  }
  if (model.places == 0 || model.places > limits::engine_places_max) {
    return fail(Errc::invalid, fmt::format("model {}: concurrency {} is not between 1 and {}", model.id, model.places,
                                           limits::engine_places_max));
  }
  if (model.id.find(',') != std::string::npos) {
    return fail(Errc::invalid, fmt::format("model {}: llama-server splits names at commas", model.id),
                "choose an id without a comma");
  }
  auto context = context_tokens_per_place(model, file);
  if (!context) return std::unexpected(context.error());
  const std::uint64_t share = context_share(file, *context);

  Command command{model.llama_server, {}, environment_from(inherited)};
  auto& a = command.arguments;
  auto add = [&](auto... words) { (a.emplace_back(words), ...); };
  add("--model", model.file, "--alias", model.id, "--host", socket_path);
  add("--parallel", std::to_string(model.places), "--ctx-size", std::to_string(share * model.places));
  add("--no-kv-unified", "--cache-ram", "0", "--no-cache-idle-slots", "--slot-prompt-similarity", "0");
  add("--cache-reuse", "0", "--no-context-shift", "-fit", "off");
  // A hung-up client is noticed, and other places get their turn, between two batches of a prompt.
  const bool pooled = model.embeddings || model.rerank;
  if (!pooled) add("--batch-size", "256", "--ubatch-size", "256");
  add("--offline", "--no-webui", "--no-agent", "--no-ui-mcp-proxy", "--no-mmproj-auto", "--cors-origins", "localhost");
  // Without it a build for GPUs takes what it finds of them.
  add("--gpu-layers", model.gpu ? "all" : "0");
  // /slots and /metrics pass through the engine's own loop: a probe that sees a hang, which /health does not.
  add("--slots", "--metrics", "--log-verbosity", "1", "--log-colors", "off");
  for (const AdapterSettings& adapter : model.adapters) add("--lora", adapter.path);
  if (!model.adapters.empty()) add("--lora-init-without-apply");
  if (model.threads != 0) {
    add("--threads", std::to_string(model.threads), "--threads-batch", std::to_string(model.threads));
  }
  if (pooled) {
    // A whole input must fit one physical batch.
    add(model.rerank ? "--reranking" : "--embeddings");
    add("--batch-size", std::to_string(share), "--ubatch-size", std::to_string(share));
    if (model.rerank) {
      add("--pooling", "rank");
    } else if (!file.pooling) {
      add("--pooling", "mean");
    }
  } else {
    add("--jinja");
    if (!model.chat_template_file.empty()) add("--chat-template-file", model.chat_template_file);
    // A model that only proves the path is at its most sensible when it gambles least; a request may still ask for
    // more.
    if (model.demo) add("--temp", "0.2");
  }
  return command;
}

std::optional<bool> template_knows_tools(std::string_view props) {
  json::Document document;
  const auto root = document.parse(props);
  const auto caps = root ? root->find("chat_template_caps") : std::nullopt;
  if (!caps) return std::nullopt;
  const auto describes = caps->find("supports_tools"), calls = caps->find("supports_tool_calls");
  if (!describes || !calls) return std::nullopt;
  return describes->boolean() == true && calls->boolean() == true;
}

}  // namespace faelled::engines
