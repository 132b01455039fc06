#include "node/engine_host.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error_words.hpp"
#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/whole_file.hpp"
#include "node/gpu_process.hpp"

namespace faelled::node {

Duration processor_used_by(pid_t pid) {
  const std::string text = read_whole(fmt::format("/proc/{}/stat", pid)).value_or("");
  auto at = text.rfind(')');  // the name in front may hold anything
  if (at == std::string::npos) return {};
  constexpr int first_field_behind = 3, first_time = 14, last_time = 17;
  std::int64_t ticks = 0;
  for (int field = first_field_behind; field <= last_time; ++field) {
    at = text.find(' ', at);
    if (at == std::string::npos) return {};
    ++at;
    std::int64_t value = 0;
    std::from_chars(text.data() + at, text.data() + text.size(), value);
    if (field >= first_time) ticks += value;
  }
  return Duration(std::chrono::seconds(1)) * ticks / ::sysconf(_SC_CLK_TCK);
}

EngineHost::EngineHost(Surroundings around, engines::ModelSettings model, EngineFolders folders, Patience patience,
                       bool sleeps)
    : around_(std::move(around)),
      model_(std::move(model)),
      folders_(std::move(folders)),
      driver_(driver_of(model_, sleeps)),
      supervisor_(driver_->patience(patience), around_.random.u64()),
      id_(make_id("eng_", around_.clock.wall(), around_.random)),
      measure_every_(patience.probe_every),
      timer_(around_.loop, [this] { tick(); }),
      aside_(around_.loop) {}

EngineHost::~EngineHost() { close(); }

void EngineHost::close() {
  closed_ = true;
  timer_.cancel();
  exit_watch_.reset();
  output_watch_.reset();
  calls_watch_.reset();
  child_.reset();
  leave_place();
}

// One that cannot is ended: its memory is wanted.
void EngineHost::sleep(std::uint8_t level) {
  if (!driver_->can_sleep() || (level == 2 && !driver_->can_forget())) return unload();
  tell(event::Sleep{level});
}

void EngineHost::look_now() {
  if (supervisor_.would_look()) tell(event::LookNow{processor_used()});
}

void EngineHost::leave_place() {
  if (place_.socket.empty()) return;
  std::error_code ignored;
  if (place_.own_folder) {
    std::filesystem::remove_all(place_.folder, ignored);
  } else {
    std::filesystem::remove(place_.socket, ignored);
  }
}

void EngineHost::tell(const Event& event) {
  if (closed_) return;
  auto actions = supervisor_.step(around_.clock.now(), event);
  // Before anybody hears that it is ready and sends it words.
  if (supervisor_.state() == rpc::EngineState::ready && engine_log_) {
    engine_log_->now_serving();
    shut_calls();
  }
  if (supervisor_.state() != rpc::EngineState::ready) gauges_ = {};
  for (const auto& action : actions) {
    std::visit([this](const auto& a) { carry_out(a); }, action);
    if (closed_) return;
  }
  begin_change();
  if (supervisor_.wake() == Instant::max()) {
    timer_.cancel();
  } else {
    timer_.arm_at(supervisor_.wake());
  }
}

// Of one that a debugger holds its end is told, once, before it can be reaped.
void EngineHost::tick() {
  if (child_ && child_->ended()) return child_ended();
  tell(event::Tick{processor_used()});
}

void EngineHost::carry_out(const action::CheckFile&) {
  std::string seen;
  for (const auto& file : driver_->files()) seen += fingerprint(file);
  if (seen == file_seen_) return tell(event::FileChecked{file_wrong_});
  // A large header or a slow disk would keep everybody waiting.
  aside_.ask<Driver::Found>(
      driver_->look(), [this, model = model_, seen = std::move(seen)](const Expected<Driver::Found>& looked) {
        if (closed_) return;
        if (model_ != model) return carry_out(action::CheckFile{});  // it has got other adapters meanwhile
        file_seen_ = looked ? "" : seen;  // files that were right are read again before each start
        file_wrong_ = looked ? "" : in_words(looked.error());
        if (looked) (*looked)();
        if (looked) say_without();
        tell(event::FileChecked{file_wrong_});
      });
}

void EngineHost::carry_out(const action::Spawn&) {
  auto spawned = spawn();
  if (spawned) {
    around_.log.info("engine starts", {{"model", model_.id}, {"engine", id_}, {"pid", child_->pid()}});
    tell(event::Spawned{});
  } else {
    child_.reset();
    leave_place();
    tell(event::SpawnFailed{in_words(spawned.error())});
  }
}

Expected<void> EngineHost::spawn() {
  id_ = make_id("eng_", around_.clock.wall(), around_.random);
  // New for each process: the socket's file outlives a killed engine, and no engine starts on an old one.
  constexpr std::size_t name_chars = 12;
  place_ = driver_->place(folders_, id_.substr(id_.size() - name_chars));
  if (place_.own_folder && ::mkdir(place_.folder.c_str(), 0700) != 0) {
    return fail(Errc::io, fmt::format("folder {}: {}", place_.folder, std::strerror(errno)),
                "make the data folder writable for the server's user");
  }
  auto command = driver_->prepare(place_, folders_);
  if (!command) return std::unexpected(command.error());
  auto log = EngineLog::open(fmt::format("{}/{}", folders_.logs, folders_.log));
  if (!log) return std::unexpected(log.error());
  Reach reach = driver_->reach(place_);
  if (folders_.gpu_bytes > 0)
    if (auto let = let_use_gpu(folders_.sockets, *command, reach); !let) return std::unexpected(let.error());
  auto child = Child::spawn({command->program, command->arguments, command->environment, place_.folder, false,
                             std::move(reach), driver_->calls_itself()});
  if (!child) return std::unexpected(child.error());
  engine_log_.emplace(std::move(*log));
  engine_log_->note(fmt::format("engine {} starts with process {}", id_, (*child)->pid()));
  child_ = std::move(*child);
  int exit_fd = ::fcntl(child_->exit_fd(), F_DUPFD_CLOEXEC, 3);
  if (exit_fd < 0) return fail(Errc::exhausted, "no descriptor is left to watch an engine with");
  exit_watch_ = std::make_unique<net::Readable>(around_.loop, exit_fd, [this] { child_ended(); });
  watch_output();
  watch_calls();
  return {};
}

// Until it is ready its processes find each other; see tell().
void EngineHost::watch_calls() {
  const int fd = child_->calls_fd() < 0 ? -1 : ::fcntl(child_->calls_fd(), F_DUPFD_CLOEXEC, 3);
  if (fd < 0) return;
  calls_watch_ = std::make_unique<net::Readable>(around_.loop, fd, [this] {
    child_->let_call();
    watch_calls();
  });
}

void EngineHost::shut_calls() {
  calls_watch_.reset();
  if (child_) child_->shut_calls();
}

void EngineHost::watch_output() {
  int fd = ::fcntl(child_->output_fd(), F_DUPFD_CLOEXEC, 3);
  if (fd < 0) return;  // its pipe fills and it stops talking; the exit is still seen
  constexpr std::size_t turn_bytes_max = 64 * 1024;
  output_watch_ = std::make_unique<net::Readable>(around_.loop, fd, [this] { take_output(turn_bytes_max); });
}

void EngineHost::take_output(std::size_t bytes_max) {
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

void EngineHost::child_ended() {
  auto exit = child_->ended();
  if (!exit) return;
  take_output(limits::engine_log_bytes_max);
  engine_log_->finish();
  auto detail = fmt::format("the engine {}", exit->in_words());
  const bool silent = engine_log_->complaint().empty();
  if (!silent) detail += ": " + engine_log_->complaint();
  engine_log_->note(fmt::format("{}; {} lines withheld", detail, engine_log_->lines_withheld()));
  around_.log.warn("engine ended", {{"model", model_.id}, {"engine", id_}, {"detail", detail}});
  exit_watch_.reset();
  output_watch_.reset();
  calls_watch_.reset();
  child_.reset();
  leave_place();
  around_.client.forget({.unix_path = place_.socket});
  ++probes_;  // whatever is still asked was asked of the dead
  tell(event::Exited{std::move(detail), exit->signal == SIGKILL, silent});
}

void EngineHost::carry_out(const action::Probe& probe) {
  around_.loop.spawn(ask(shared_from_this(), probe.kind, probe.within, ++probes_));
}

net::Task<void> EngineHost::ask(std::shared_ptr<EngineHost> self, ProbeKind kind, Duration within,
                                std::uint64_t number) {
  const auto questions = self->driver_->questions(kind);
  for (const Question& question : questions) {
    auto answer = co_await self->around_.client.ask(
        {.unix_path = self->place_.socket}, question.method, question.target,
        question.body.empty() ? "" : "Content-Type: application/json\r\n", question.body,
        std::max(within, question.within_least), question.answer_bytes_max);
    if (self->closed_ || number != self->probes_) co_return;
    if (!answer) co_return self->tell(event::NoAnswer{fmt::format("{}: {}", question.target, answer.error().message)});
    if (answer->status == 503) co_return self->tell(event::Loading{});
    const bool work = kind == ProbeKind::work && self->driver_->any_status_is_work();
    if (!work && answer->status != 200)
      co_return self->tell(event::NoAnswer{fmt::format("{} answers with status {}", question.target, answer->status)});
    if (!work && !question.satisfied_by(answer->body))
      co_return self->tell(event::NoAnswer{fmt::format("{} does not answer as it should", question.target)});
  }
  self->change_can_wait_ = false;
  self->tell(event::Answered{});
  self->begin_to_measure();
}

// Behind a sign of life, so never while it loads, sleeps or hangs, nor while our own question is among what it works
// on. A look out of turn (LookNow) makes no more of it.
void EngineHost::begin_to_measure() {
  if (closed_ || measuring_ || supervisor_.state() != rpc::EngineState::ready) return;
  if (const Instant now = around_.clock.now(); now - measured_at_ >= measure_every_ / 2) {
    measured_at_ = now;
    around_.loop.spawn(measure(shared_from_this()));
  }
}

// Whatever comes of it, or nothing: no fault of the engine.
net::Task<void> EngineHost::measure(std::shared_ptr<EngineHost> self) {
  constexpr std::size_t metrics_bytes_max = 1024 * 1024;
  self->measuring_ = true;
  const std::string engine = self->id_;
  const auto answer = co_await self->around_.client.ask({.unix_path = self->place_.socket}, "GET", "/metrics", "", "",
                                                        self->measure_every_, metrics_bytes_max);
  self->measuring_ = false;
  if (self->closed_ || self->id_ != engine || self->supervisor_.state() != rpc::EngineState::ready) co_return;
  self->gauges_ = answer && answer->status == 200 ? self->driver_->gauges(answer->body) : engines::Gauges();
  self->gauges_at_ = self->around_.clock.now();
}

// One that hangs says nothing new, and is not asked.
engines::Gauges EngineHost::gauges() const {
  return around_.clock.now() - gauges_at_ <= 3 * measure_every_ ? gauges_ : engines::Gauges();
}

void EngineHost::say_without() const {
  for (const std::string& why : driver_->without())
    around_.log.error("an adapter is left out", {{"model", model_.id}, {"detail", why}});
}

bool EngineHost::adapt(const engines::ModelSettings& model) {
  if (!engines::same_but_adapters(model, model_)) return false;
  const bool others = model.adapters != model_.adapters;
  if (others && !driver_->adopt(model)) return false;
  model_ = model;
  if (others) {
    say_without();
    begin_change();
    around_.changed();
  }
  return true;
}

bool EngineHost::change_due() const {
  return supervisor_.state() == rpc::EngineState::ready && !change_can_wait_ && driver_->change();
}

void EngineHost::begin_change() {
  if (!changing_ && change_due()) around_.loop.spawn(change(shared_from_this()));
}

// One call after the other, until the engine has what its model has. Others ask it nothing new meanwhile: see report().
net::Task<void> EngineHost::change(std::shared_ptr<EngineHost> self) {
  self->changing_ = true;
  const std::string engine = self->id_;
  const auto same = [&] { return !self->closed_ && self->id_ == engine; };
  while (same() && self->change_due()) {
    const auto change = self->driver_->change();
    const Question* call = &change->call;
    const auto answer = co_await self->around_.client.ask({.unix_path = self->place_.socket}, call->method,
                                                          call->target, "Content-Type: application/json\r\n",
                                                          call->body, call->within_least, call->answer_bytes_max);
    if (!same()) break;
    self->change_can_wait_ = !answer;
    if (!answer)
      self->around_.log.warn("an engine did not say whether an adapter was given or taken",
                             {{"model", self->model_.id}, {"detail", answer.error().message}});
    // Also where it falls asleep meanwhile: what it was given it has when it wakes.
    if (const auto wrong = answer ? change->answered(answer->status == 200) : change->unanswered(); !wrong.empty())
      self->around_.log.error("an adapter is left out", {{"model", self->model_.id}, {"detail", wrong}});
  }
  self->changing_ = false;
  if (self->closed_) co_return;
  self->begin_change();  // of another process that has become ready meanwhile
  self->around_.changed();
}

void EngineHost::carry_out(const action::AskToStop&) {
  if (child_) child_->ask_to_stop();
}

void EngineHost::carry_out(const action::Kill& kill) {
  if (!kill.why.empty()) {
    around_.log.warn("engine is killed", {{"model", model_.id}, {"engine", id_}, {"detail", kill.why}});
  }
  if (child_) child_->kill();
}

void EngineHost::carry_out(const action::Report&) {
  if (supervisor_.state() == rpc::EngineState::ready) {
    around_.log.info("engine is ready",
                     {{"model", model_.id}, {"engine", id_}, {"load_ms", to_millis(supervisor_.load_time())}});
  } else if (supervisor_.state() == rpc::EngineState::asleep) {
    around_.log.info("engine sleeps", {{"model", model_.id}, {"engine", id_}});
  } else if (supervisor_.state() == rpc::EngineState::waking) {
    around_.log.info("engine wakes", {{"model", model_.id}, {"engine", id_}});
  } else if (supervisor_.state() == rpc::EngineState::failed) {
    around_.log.error("model cannot be served", {{"model", model_.id}, {"detail", supervisor_.detail()}});
  }
  around_.changed();
}

Duration EngineHost::processor_used() const {
  Duration used{};
  for (const pid_t pid : processes()) used += processor_used_by(pid);
  return used;
}

std::vector<pid_t> EngineHost::processes() const { return child_ ? child_->processes() : std::vector<pid_t>(); }

// Resident pages, from /proc/PID/statm (proc(5)). Pages of a file that two processes share count twice; to tell them
// apart (PSS) the kernel walks all page tables, tens of milliseconds for a large model, in which nobody would be
// served.
std::uint64_t EngineHost::memory_read() const {
  std::uint64_t pages = 0;
  for (const pid_t pid : processes()) {
    std::ifstream file(fmt::format("/proc/{}/statm", pid));
    if (std::uint64_t size = 0, resident = 0; file >> size >> resident) pages += resident;
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

rpc::EngineReport EngineHost::report() const {
  rpc::EngineReport report;
  report.engine = id_;
  report.model = model_.id;
  report.state = supervisor_.state();
  report.detail = supervisor_.detail();
  report.places = model_.places;
  report.engine_kind = driver_->kind();
  report.upstream_model = model_.id;
  report.endpoint = {.unix_path = place_.socket, .host = "engine", .port = 80, .base_path = "/v1", .authorization = ""};
  report.restarts = supervisor_.starts() > 0 ? supervisor_.starts() - 1 : 0;
  report.load_time = supervisor_.load_time();
  report.ready_in = supervisor_.ready_in(around_.clock.now());
  report.tools = driver_->tools();
  report.adapters = driver_->adapters();
  report.adapting = change_due();
  report.context_tokens = driver_->context_tokens();
  return report;
}

}  // namespace faelled::node
