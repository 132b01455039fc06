#include "engines/vllm_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "base/limits.hpp"
#include "engines/adapters.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"

namespace faelled::engines {

namespace {

constexpr std::uint64_t block_tokens = 256;  // blocks are this large at most where all layers are alike

// Beside it lies ninja, without which there is no FlashInfer.
std::string folder_of(const std::string& program) { return program.substr(0, program.rfind('/')); }

std::vector<std::string> environment_of(const ModelSettings& model, const VllmPlace& place,
                                        const std::vector<std::string>& inherited) {
  const std::string& folder = place.folder;
  const std::string& compiled = place.compiled.empty() ? folder : place.compiled;
  // Caches and sockets of its processes lie in its own folder; those under a relative name, because a socket's path is
  // short. PYTHONPATH: for sitecustomize.py, see vllm_sitecustomize().
  std::vector<std::string> environment{"LANG=C.UTF-8",
                                       "PATH=" + folder_of(model.vllm) + ":/usr/bin:/bin",
                                       "HOME=" + folder,
                                       "TMPDIR=" + folder,
                                       "PYTHONPATH=" + folder,
                                       "PYTHONDONTWRITEBYTECODE=1",
                                       "XDG_CACHE_HOME=" + folder + "/cache",
                                       "XDG_CONFIG_HOME=" + folder + "/config",
                                       "TORCHINDUCTOR_CACHE_DIR=" + compiled + "/inductor",
                                       "TRITON_CACHE_DIR=" + compiled + "/triton",
                                       "HF_HOME=" + folder + "/hub",
                                       "VLLM_CACHE_ROOT=" + compiled + "/cache",
                                       "CUDA_CACHE_PATH=" + compiled + "/cuda",
                                       "FLASHINFER_WORKSPACE_BASE=" + compiled + "/flashinfer",
                                       "VLLM_CONFIG_ROOT=" + folder + "/config",
                                       "VLLM_RPC_BASE_PATH=.",
                                       "VLLM_HOST_IP=127.0.0.1",
                                       "GLOO_SOCKET_IFNAME=lo",
                                       "HF_HUB_OFFLINE=1",
                                       "TRANSFORMERS_OFFLINE=1",
                                       "HF_HUB_DISABLE_TELEMETRY=1",
                                       "VLLM_NO_USAGE_STATS=1",
                                       "DO_NOT_TRACK=1",
                                       "VLLM_PLUGINS="};
  if (place.processor_build) {
    // Otherwise it makes one more process, and that one shares memory with the others under names all may open.
    environment.emplace_back("VLLM_ENABLE_V1_MULTIPROCESSING=0");
    environment.emplace_back("VLLM_CPU_OMP_THREADS_BIND=nobind");
    // What it compiles beside the model, which runs eagerly, are helpers of a few operations: the first `logprobs` of
    // each start waited 40 to 60 s for a C++ compiler (seen on 0.32.0).
    environment.emplace_back("TORCH_COMPILE_DISABLE=1");
  }
  if (model.takes_adapters()) environment.emplace_back("VLLM_ALLOW_RUNTIME_LORA_UPDATING=True");
  if (place.sleeps) environment.emplace_back("VLLM_SERVER_DEV_MODE=1");  // without it /sleep and /wake_up are not there
  if (model.threads != 0) environment.push_back(fmt::format("OMP_NUM_THREADS={}", model.threads));
  pass_on(environment, inherited);
  return environment;
}

}  // namespace

Expected<std::uint32_t> context_tokens_per_place(const ModelSettings& model, const ModelShape& shape) {
  return context_of_place(model, shape.context_tokens, model.folder);
}

std::uint64_t kv_cache_bytes(const ModelShape& shape, std::uint32_t context_tokens, std::uint32_t places) {
  const std::uint64_t value_bytes = shape.type == "float32" || shape.type.empty() ? 4 : 2;
  const std::uint64_t layer_values =
      shape.latent_values != 0 ? shape.latent_values : product({2, shape.kv_heads, shape.head_values});
  const std::uint64_t blocks = (std::uint64_t{context_tokens} + block_tokens - 1) / block_tokens;
  // One block for our question, and one that the engine keeps empty.
  return product({shape.layers, layer_values, value_bytes, block_tokens, blocks * places + 2});
}

Expected<MemoryNeed> memory_need(const ModelSettings& model, const ModelFolder& folder) {
  const auto context = context_tokens_per_place(model, folder.shape);
  if (!context) return std::unexpected(context.error());
  MemoryNeed need{product({folder.weight_bytes}), kv_cache_bytes(folder.shape, *context, model.places),
                  model.gpu ? limits::vllm_gpu_own_bytes : limits::vllm_own_bytes};
  if (model.takes_adapters()) {
    // Laid out for as many as answer at once and as large as the largest may be, and as much again beside it.
    const std::uint64_t value_bytes = folder.shape.type == "float32" || folder.shape.type.empty() ? 4 : 2;
    need.working +=
        product({2, model.adapters_max, rank_for(model.adapters_rank), folder.shape.adapter_values, value_bytes});
  }
  return need;
}

Expected<Command> vllm_server_command(const ModelSettings& model, const ModelFolder& folder, const VllmPlace& place,
                                      const std::vector<std::string>& inherited) {
  if (place.socket.size() > limits::unix_path_bytes_max) {
    return fail(
        Errc::invalid,
        fmt::format("socket path {} must have at most {} characters", place.socket, limits::unix_path_bytes_max),
        "choose a data folder with a shorter path");
  }
  if (model.places == 0 || model.places > limits::engine_places_max) {
    return fail(Errc::invalid, fmt::format("model {}: concurrency {} is not between 1 and {}", model.id, model.places,
                                           limits::engine_places_max));
  }
  const auto context = context_tokens_per_place(model, folder.shape);
  if (!context) return std::unexpected(context.error());

  Command command{model.vllm, {}, environment_of(model, place, inherited)};
  auto& a = command.arguments;
  auto add = [&](auto... words) { (a.emplace_back(words), ...); };
  add("serve", model.folder, "--served-model-name=" + model.id, "--uds", place.socket);
  add("--max-model-len", std::to_string(*context), "--max-num-seqs", std::to_string(model.places + 1));
  add("--kv-cache-memory-bytes", std::to_string(kv_cache_bytes(folder.shape, *context, model.places)));
  add("--dtype", folder.shape.type.empty() ? "auto" : folder.shape.type);
  add("--distributed-executor-backend", "uni", "--scheduling-policy", "priority");
  add("--enable-request-id-headers", "--enable-prompt-tokens-details", "--disable-uvicorn-access-log");
  add("--disable-fastapi-docs");
  if (place.processor_build) add("--enforce-eager");
  if (place.gpu_bytes > 0) {
    const auto need = memory_need(model, folder);
    if (!need) return std::unexpected(need.error());
    constexpr double most = 0.99;
    const double part = static_cast<double>(need->total()) / static_cast<double>(place.gpu_bytes);
    add("--gpu-memory-utilization", fmt::format("{:.4f}", std::min(most, part)));
  }
  if (place.sleeps) add("--enable-sleep-mode");
  if (!model.chat_template_file.empty()) add("--chat-template", model.chat_template_file);
  if (model.takes_adapters()) {
    add("--enable-lora", "--max-loras", std::to_string(model.adapters_max));
    add("--max-lora-rank", std::to_string(rank_for(model.adapters_rank)));
  }
  if (!model.tool_parser.empty()) add("--enable-auto-tool-choice", "--tool-call-parser", model.tool_parser);
  return command;
}

std::string_view vllm_sitecustomize() {
  return R"(import builtins
import ctypes
import importlib.abc
import importlib.metadata
import importlib.util
import os
import signal
import sys

plain_open = builtins.open
os.environ.setdefault("FIRST_PROCESS", str(os.getpid()))


def open_or_first(file, *words, **named):
    try:
        return plain_open(file, *words, **named)
    except PermissionError:
        for own in (f"/proc/{os.getpid()}/", "/proc/self/"):
            if isinstance(file, str) and file.startswith(own):
                return plain_open(f"/proc/{os.environ['FIRST_PROCESS']}/{file[len(own):]}", *words, **named)
        raise


def end_with_parent():
    parent = os.getppid()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def ask_for_amx():
    """Linux lets a process use the tiles of x86's AMX once it has asked, and starts each program without. vLLM's attention
    for processors uses them wherever the processor has them and does not ask (seen on 0.32.0: SIGILL at the first token)."""
    if os.uname().machine == "x86_64":
        ctypes.CDLL(None).syscall(158, 0x1023, 18)  # arch_prctl(ARCH_REQ_XCOMP_PERM, XTILEDATA); without AMX it only fails


def give_host_memory_back():
    """What it slept in is the host's again when it wakes, and no more than its weights: torch keeps pinned memory for
    the next time and rounds it up to a power of two (vllm#16663). Older ones do not know the word, and do not start."""
    known = [int(part) for part in importlib.metadata.version("torch").split(".")[:2]] >= [2, 13]
    if known and os.environ.get("VLLM_SERVER_DEV_MODE") == "1":
        os.environ["PYTORCH_ALLOC_CONF"] = "pinned_max_cached_size_mb:8"


class WithoutAdapter(importlib.abc.MetaPathFinder):
    """On processors a request for no adapter has the number -1, which torch takes for the last one."""

    def find_spec(self, name, path, target=None):
        if name != "vllm.lora.ops.torch_ops.lora_ops":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        run = spec.loader.exec_module

        def run_and_mend(module):
            run(module)
            for each in ("bgmv_shrink", "bgmv_expand", "bgmv_expand_slice"):
                setattr(module, each, self.mended(getattr(module, each), module.torch))

        spec.loader.exec_module = run_and_mend
        return spec

    @staticmethod
    def mended(plain, torch):
        def mended(inputs, weights, outputs, numbers, *words, **named):
            none = (numbers < 0).unsqueeze(1)
            return plain(torch.where(none, inputs.new_zeros(()), inputs), weights, outputs, numbers, *words, **named)

        return mended


builtins.open = open_or_first
ask_for_amx()
sys.meta_path.insert(0, WithoutAdapter())
try:
    give_host_memory_back()
except importlib.metadata.PackageNotFoundError:
    pass
end_with_parent()
os.register_at_fork(after_in_child=end_with_parent)
)";
}

std::string vllm_takes_adapter(const std::string& name, const std::string& path) {
  std::string body;
  json::Writer(body).object().member("lora_name", name).member("lora_path", path).close_object();
  return body;
}

std::string vllm_drops_adapter(const std::string& name) {
  std::string body;
  json::Writer(body).object().member("lora_name", name).close_object();
  return body;
}

std::string vllm_question(const ModelSettings& model) {
  std::string body;
  json::Writer writer(body);
  writer.object().member("model", model.id).key("prompt").array().integer(1).close_array();
  writer.member("max_tokens", 1).member("priority", -1).member("cache_salt", "faelled").close_object();
  return body;
}

bool vllm_forgets(const ModelSettings& model) { return !model.takes_adapters(); }

std::string vllm_sample_question(const ModelSettings& model) {
  constexpr int tokens = 8;  // of any vocabulary; with the answer no more than a block of the prefix cache
  std::string body;
  json::Writer writer(body);
  writer.object().member("model", model.id).key("prompt").array();
  for (int token = 1; token <= tokens; ++token) writer.integer(token);
  writer.close_array().member("max_tokens", tokens).member("temperature", 0).member("ignore_eos", true);
  writer.member("return_token_ids", true).member("priority", -1).member("cache_salt", "faelled").close_object();
  return body;
}

std::string vllm_sample(std::string_view answer) {
  json::Document document;
  const auto root = document.parse(answer);
  const auto choices = root ? root->find("choices") : std::nullopt;
  if (!choices || choices->kind() != json::Kind::array || choices->is_empty()) return {};
  const auto tokens = (*choices->items().begin()).find("token_ids");
  if (!tokens || tokens->kind() != json::Kind::array || tokens->is_empty()) return {};
  return std::string(tokens->raw());
}

std::optional<bool> vllm_sleeps(std::string_view answer) {
  json::Document document;
  const auto root = document.parse(answer);
  const auto found = root ? root->find("is_sleeping") : std::nullopt;
  return found ? found->boolean() : std::nullopt;
}

}  // namespace faelled::engines
