#include "node/llama_host.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/ids.hpp"
#include "base/limits.hpp"

namespace faelled::node {

namespace {

// Changes when a file is replaced or mended.
std::string fingerprint(const std::string& path) {
  struct stat info{};
  if (path.empty() || ::stat(path.c_str(), &info) != 0) return "none";
  return fmt::format("{}:{}:{}.{}", info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

// What follows from an error, for people: its message and how to mend it.
std::string in_words(const Error& error) {
  return error.hint.empty() ? error.message : fmt::format("{}; {}", error.message, error.hint);
}

}  // namespace

LlamaHost::LlamaHost(Surroundings around, engines::ModelSettings model, LlamaFolders folders, Patience patience)
    : around_(std::move(around)),
      model_(std::move(model)),
      folders_(std::move(folders)),
      supervisor_(patience, around_.random.u64()),
      id_(make_id("eng_", around_.clock.wall(), around_.random)),
      timer_(around_.loop, [this] { tell(event::Tick{processor_used()}); }) {}

LlamaHost::~LlamaHost() { close(); }

void LlamaHost::close() {
  closed_ = true;
  timer_.cancel();
  exit_watch_.reset();
  output_watch_.reset();
  child_.reset();
  if (!socket_path_.empty()) ::unlink(socket_path_.c_str());
}

void LlamaHost::tell(const Event& event) {
  if (closed_) return;
  auto actions = supervisor_.step(around_.clock.now(), event);
  // Before anybody hears that it is ready and sends it words.
  if (supervisor_.state() == rpc::EngineState::ready && engine_log_) engine_log_->now_serving();
  for (const auto& action : actions) {
    std::visit([this](const auto& a) { carry_out(a); }, action);
    if (closed_) return;
  }
  if (supervisor_.wake() == Instant::max()) {
    timer_.cancel();
  } else {
    timer_.arm_at(supervisor_.wake());
  }
}

Expected<engines::GgufSummary> LlamaHost::look_at_file() const {
  auto file = engines::read_gguf_file(model_.file);
  if (!file) return file;
  if (auto command = engines::llama_server_command(model_, *file, "/any.sock"); !command) {
    return std::unexpected(command.error());
  }
  if (!model_.chat_template_file.empty() && ::access(model_.chat_template_file.c_str(), R_OK) != 0) {
    return fail(
        Errc::io,
        fmt::format("model {}: chat template {}: {}", model_.id, model_.chat_template_file, std::strerror(errno)),
        "correct chat_template_file, or leave it out for the model's own template");
  }
  if (!model_.embeddings && !model_.rerank && model_.chat_template_file.empty() && !file->chat_template) {
    return fail(Errc::invalid, fmt::format("model {}: {} has no chat template of its own", model_.id, model_.file),
                "name one in chat_template_file");
  }
  return file;
}

void LlamaHost::carry_out(const action::CheckFile&) {
  auto seen = fingerprint(model_.file) + fingerprint(model_.chat_template_file);
  if (seen != file_seen_) {
    auto file = look_at_file();
    file_seen_ = file ? "" : seen;  // a file that was right is read again before each start
    file_wrong_ = file ? "" : in_words(file.error());
    if (file) file_ = std::move(*file);
  }
  tell(event::FileChecked{file_wrong_});
}

void LlamaHost::carry_out(const action::Spawn&) {
  auto spawned = spawn();
  if (spawned) {
    around_.log.info("engine starts", {{"model", model_.id}, {"engine", id_}, {"pid", child_->pid()}});
    tell(event::Spawned{});
  } else {
    tell(event::SpawnFailed{in_words(spawned.error())});
  }
}

Expected<void> LlamaHost::spawn() {
  id_ = make_id("eng_", around_.clock.wall(), around_.random);
  // New for each process: the file outlives a killed engine, and no engine starts on an old one.
  constexpr std::size_t name_chars = 12;
  socket_path_ = fmt::format("{}/{}.sock", folders_.sockets, id_.substr(id_.size() - name_chars));
  auto command = engines::llama_server_command(model_, file_, socket_path_, folders_.environment);
  if (!command) return std::unexpected(command.error());
  auto log = EngineLog::open(fmt::format("{}/{}.log", folders_.logs, file_name_of(model_.id)));
  if (!log) return std::unexpected(log.error());
  Reach reach{{std::filesystem::path(command->program).parent_path().string()}, {model_.file}, {folders_.sockets}};
  if (!model_.chat_template_file.empty()) reach.reads.push_back(model_.chat_template_file);
  auto child = Child::spawn(
      {command->program, command->arguments, command->environment, folders_.sockets, false, std::move(reach)});
  if (!child) return std::unexpected(child.error());
  engine_log_.emplace(std::move(*log));
  engine_log_->note(fmt::format("engine {} starts with process {}", id_, (*child)->pid()));
  child_ = std::move(*child);
  int exit_fd = ::fcntl(child_->exit_fd(), F_DUPFD_CLOEXEC, 3);
  if (exit_fd < 0) return fail(Errc::exhausted, "no descriptor is left to watch an engine with");
  exit_watch_ = std::make_unique<net::Readable>(around_.loop, exit_fd, [this] { child_ended(); });
  watch_output();
  return {};
}

void LlamaHost::watch_output() {
  int fd = ::fcntl(child_->output_fd(), F_DUPFD_CLOEXEC, 3);
  if (fd < 0) return;  // its pipe fills and it stops talking; the exit is still seen
  constexpr std::size_t turn_bytes_max = 64 * 1024;
  output_watch_ = std::make_unique<net::Readable>(around_.loop, fd, [this] { take_output(turn_bytes_max); });
}

void LlamaHost::take_output(std::size_t bytes_max) {
  std::array<char, 16 * 1024> buffer;
  std::size_t taken = 0;
  while (taken < bytes_max) {
    auto n = ::read(child_->output_fd(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    if (n == 0) {
      output_watch_.reset();  // it has closed both; a watch would fire for ever
      return;
    }
    engine_log_->take({buffer.data(), static_cast<std::size_t>(n)});
    taken += static_cast<std::size_t>(n);
  }
  watch_output();
}

void LlamaHost::child_ended() {
  auto exit = child_->ended();
  if (!exit) return;
  take_output(limits::engine_log_bytes_max);
  auto detail = fmt::format("the engine {}", exit->in_words());
  if (!engine_log_->complaint().empty()) detail += ": " + engine_log_->complaint();
  engine_log_->note(fmt::format("{}; {} lines withheld", detail, engine_log_->lines_withheld()));
  around_.log.warn("engine ended", {{"model", model_.id}, {"engine", id_}, {"detail", detail}});
  exit_watch_.reset();
  output_watch_.reset();
  child_.reset();
  ::unlink(socket_path_.c_str());
  around_.client.forget({.unix_path = socket_path_});
  ++probes_;  // whatever is still asked was asked of the dead
  tell(event::Exited{std::move(detail)});
}

void LlamaHost::carry_out(const action::Probe& probe) {
  around_.loop.spawn(ask(shared_from_this(), probe.kind, probe.within, ++probes_));
}

net::Task<void> LlamaHost::ask(std::shared_ptr<LlamaHost> self, ProbeKind kind, Duration within, std::uint64_t number) {
  constexpr std::size_t answer_bytes_max = 1024 * 1024;
  http::Address address{.unix_path = self->socket_path_};
  const char* target = kind == ProbeKind::health ? "/health" : "/slots";
  auto answer = co_await self->around_.client.ask(std::move(address), "GET", target, "", "", within, answer_bytes_max);
  if (self->closed_ || number != self->probes_) co_return;
  if (kind == ProbeKind::health && answer && answer->status == 200 && !self->model_.embeddings &&
      !self->model_.rerank) {
    // Before anybody hears that it is ready.
    const bool known = co_await self->ask_for_tools(within);
    if (self->closed_ || number != self->probes_) co_return;
    if (!known) co_return self->tell(event::NoAnswer{});
  }
  if (!answer) {
    self->tell(event::NoAnswer{});
  } else if (answer->status == 503) {
    self->tell(event::Loading{});
  } else if (answer->status == 200 || kind == ProbeKind::work) {
    self->tell(event::Answered{});
  } else {
    self->tell(event::NoAnswer{});
  }
}

// llama-server ignores tools where the chat template has no words for them, tool_choice "required" too. False: it did
// not say.
net::Task<bool> LlamaHost::ask_for_tools(Duration within) {
  constexpr std::size_t answer_bytes_max = 4 * 1024 * 1024;  // it holds the template
  auto props =
      co_await around_.client.ask({.unix_path = socket_path_}, "GET", "/props", "", "", within, answer_bytes_max);
  if (!props || props->status != 200) co_return false;
  const auto tools = engines::template_knows_tools(props->body);
  if (tools) tools_ = *tools;
  co_return tools.has_value();
}

void LlamaHost::carry_out(const action::AskToStop&) {
  if (child_) child_->ask_to_stop();
}

void LlamaHost::carry_out(const action::Kill& kill) {
  if (!kill.why.empty()) {
    around_.log.warn("engine is killed", {{"model", model_.id}, {"engine", id_}, {"detail", kill.why}});
  }
  if (child_) child_->kill();
}

void LlamaHost::carry_out(const action::Report&) {
  if (supervisor_.state() == rpc::EngineState::ready) {
    around_.log.info("engine is ready",
                     {{"model", model_.id}, {"engine", id_}, {"load_ms", to_millis(supervisor_.load_time())}});
  } else if (supervisor_.state() == rpc::EngineState::failed) {
    around_.log.error("model cannot be served", {{"model", model_.id}, {"detail", supervisor_.detail()}});
  }
  around_.changed();
}

// User and system time of the process, from /proc/PID/stat fields 14 and 15 (proc(5)).
Duration LlamaHost::processor_used() const {
  if (!child_) return {};
  std::ifstream file(fmt::format("/proc/{}/stat", child_->pid()));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  auto at = text.rfind(')');  // the name in front may hold anything
  if (at == std::string::npos) return {};
  constexpr int first_field_behind = 3;
  std::int64_t ticks = 0;
  for (int field = first_field_behind; field <= 15; ++field) {
    at = text.find(' ', at);
    if (at == std::string::npos) return {};
    ++at;
    std::int64_t value = 0;
    std::from_chars(text.data() + at, text.data() + text.size(), value);
    if (field >= 14) ticks += value;
  }
  return Duration(std::chrono::seconds(1)) * ticks / ::sysconf(_SC_CLK_TCK);
}

// Resident pages, from /proc/PID/statm (proc(5)). Pages of a file that two engines share count twice; to tell them
// apart (PSS) the kernel walks all page tables, tens of milliseconds for a large model, in which nobody would be
// served.
std::uint64_t LlamaHost::memory_read() const {
  if (!child_) return 0;
  std::ifstream file(fmt::format("/proc/{}/statm", child_->pid()));
  std::uint64_t size = 0, resident = 0;
  if (!(file >> size >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

rpc::EngineReport LlamaHost::report() const {
  rpc::EngineReport report;
  report.engine = id_;
  report.model = model_.id;
  report.state = supervisor_.state();
  report.detail = supervisor_.detail();
  report.places = model_.places;
  report.engine_kind = "llama";
  report.upstream_model = model_.id;
  report.endpoint = {.unix_path = socket_path_, .host = "engine", .port = 80, .base_path = "/v1", .authorization = ""};
  report.restarts = supervisor_.starts() > 0 ? supervisor_.starts() - 1 : 0;
  report.load_time = supervisor_.load_time();
  report.ready_in = supervisor_.ready_in(around_.clock.now());
  report.tools = tools_;
  report.context_tokens = engines::context_tokens_per_place(model_, file_).value_or(0);
  return report;
}

}  // namespace faelled::node
