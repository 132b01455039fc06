#include "node/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "base/folder.hpp"
#include "node/confine.hpp"

namespace faelled::node {

namespace {

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

struct Failure {
  ConfineStep step = ConfineStep::none;
  int error = 0;
};

std::string_view step_in_words(ConfineStep step) {
  switch (step) {
    case ConfineStep::none:
      return "start";
    case ConfineStep::parent_gone:
      return "tie its life to ours";
    case ConfineStep::no_core:
      return "forbid core dumps";
    case ConfineStep::no_new_privileges:
      return "forbid new rights";
    case ConfineStep::no_powers:
      return "give up root's powers";
    case ConfineStep::no_files:
      return "close our files to it";
    case ConfineStep::no_network:
      return "close the network to it";
    case ConfineStep::folder:
      return "enter its folder";
    case ConfineStep::descriptors:
      return "close our descriptors to it";
    case ConfineStep::exec:
      return "run it";
  }
  return "start";
}

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const auto& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Where memory runs out the kernel takes an engine, not the server that can start it again (proc(5), oom_score_adj).
void go_first_when_memory_is_short() {
  constexpr std::string_view most = "1000";
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] auto written = ::write(fd, most.data(), most.size());
  ::close(fd);
}

// In the child. Never returns.
[[noreturn]] void become(const char* program, char** arguments, char** environment, const Confinement& how, int input,
                         int output, int report) {
  go_first_when_memory_is_short();
  Failure failure;
  if (::dup2(input, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0) {
    failure.step = ConfineStep::descriptors;
  } else {
    failure.step = confine(how, report);
    if (failure.step == ConfineStep::none) {
      ::execve(program, arguments, environment);
      failure.step = ConfineStep::exec;
    }
  }
  failure.error = errno;
  [[maybe_unused]] auto sent = ::write(report, &failure, sizeof failure);
  ::_exit(127);
}

// What the child handed over (confine.cpp); -1: nothing, on a kernel without it.
int received(int socket) {
  char byte = 0;
  iovec data{&byte, 1};
  int fd = -1;
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof fd)] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != 1) return -1;
  const cmsghdr* head = CMSG_FIRSTHDR(&message);
  if (head != nullptr && head->cmsg_type == SCM_RIGHTS) std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
  return fd;
}

// Of the socket address in another process's memory.
sa_family_t family_at(pid_t pid, std::uint64_t address) {
  sa_family_t family = AF_UNSPEC;
  iovec here{&family, sizeof family};
  iovec there{reinterpret_cast<void*>(static_cast<std::uintptr_t>(address)), sizeof family};
  return ::process_vm_readv(pid, &here, 1, &there, 1, 0) == sizeof family ? family : sa_family_t{AF_UNSPEC};
}

}  // namespace

std::string Exit::in_words() const {
  if (signal == 0) return fmt::format("exited with code {}", code);
  return fmt::format("was ended by signal {} ({})", signal, ::strsignal(signal));
}

Expected<std::unique_ptr<Child>> Child::spawn(const ChildPlan& plan) {
  auto os_error = [&](std::string_view what) {
    return fail(Errc::io, fmt::format("cannot {} for {}: {}", what, plan.program, std::strerror(errno)));
  };
  // Descriptors above 2, or dup2 in the child would overwrite one with another.
  auto above_2 = [](int fd) {
    int moved = fd < 0 ? fd : ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0) ::close(fd);
    return moved;
  };
  std::array<int, 2> output_pipe{-1, -1};
  std::array<int, 2> report_pipe{-1, -1};
  if (::pipe2(output_pipe.data(), O_CLOEXEC) != 0) return os_error("make a pipe");
  Fd output_read(above_2(output_pipe[0]));
  Fd output_write(above_2(output_pipe[1]));
  if (::pipe2(report_pipe.data(), O_CLOEXEC) != 0) return os_error("make a pipe");
  Fd report_read(above_2(report_pipe[0]));
  Fd report_write(above_2(report_pipe[1]));
  Fd input(above_2(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  if (input.get() < 0) return os_error("open /dev/null");
  ::fcntl(output_read.get(), F_SETFL, O_NONBLOCK);

  Expected<std::optional<Sandbox>> sandbox = std::nullopt;
  if (plan.reach) {
    Reach reach = *plan.reach;
    reach.runs.push_back(plan.program);
    sandbox = Sandbox::of(reach);
    if (!sandbox) return std::unexpected(sandbox.error());
  }

  std::vector<std::string> words{plan.program};
  words.insert(words.end(), plan.arguments.begin(), plan.arguments.end());
  auto arguments = pointers_to(words);
  auto environment = pointers_to(plan.environment);
  Confinement how{::getpid(), plan.folder.empty() ? "/" : plan.folder.c_str(), plan.network,
                  sandbox && *sandbox ? (*sandbox)->fd() : -1};
  std::array<int, 2> calls_pair{-1, -1};
  if (plan.calls && ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, calls_pair.data()) != 0)
    return os_error("make a pair of sockets");
  Fd calls_ours(above_2(calls_pair[0]));
  Fd calls_theirs(above_2(calls_pair[1]));
  how.calls_fd = calls_theirs.get();

  // No signal handler of ours may run in the child before it has put them back.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = ::fork();
  if (pid == 0) {
    become(plan.program.c_str(), arguments.data(), environment.data(), how, input.get(), output_write.get(),
           report_write.get());
  }
  auto fork_errno = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) {
    errno = fork_errno;
    return os_error("fork");
  }
  ::setpgid(pid, pid);  // here too, so that kill() cannot come before the child's own call
  report_write.reset();
  output_write.reset();
  calls_theirs.reset();

  Failure failure;
  ssize_t got = 0;
  do got = ::read(report_read.get(), &failure, sizeof failure);
  while (got < 0 && errno == EINTR);
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // not reaped yet, so the number is still its own
  if (got == sizeof failure || pidfd.get() < 0) {
    if (got != sizeof failure) failure = {ConfineStep::none, errno};
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    auto gone = failure.step == ConfineStep::exec && failure.error == ENOENT;
    return fail(
        gone ? Errc::not_found : Errc::io,
        fmt::format("{}: cannot {}: {}", plan.program, step_in_words(failure.step), std::strerror(failure.error)),
        failure.step == ConfineStep::exec ? "name an executable file for this machine" : "");
  }
  const int calls = calls_ours.get() < 0 ? -1 : received(calls_ours.get());
  return std::unique_ptr<Child>(new Child(pid, pidfd.release(), output_read.release(), calls));
}

// A request that its asker has taken back meanwhile (it was ended by a signal) is nobody's: errors mean nothing here.
// The address can be changed once it was looked at, so this holds who keeps to the rules: code that was installed and
// has read nobody's words yet. Where the kernel can (Landlock 4) the sandbox forbids TCP connections by itself.
void Child::let_call() {
  if (calls_ < 0) return;
  seccomp_notif asked{};
  if (::ioctl(calls_, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) return;
  seccomp_notif_resp answer{};
  answer.id = asked.id;
  const bool connects = asked.data.nr == SYS_connect;
  if (connects && family_at(static_cast<pid_t>(asked.pid), asked.data.args[1]) != AF_UNIX) {
    answer.error = -EACCES;
  } else {
    answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  }
  ::ioctl(calls_, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

void Child::shut_calls() {
  if (calls_ >= 0) ::close(std::exchange(calls_, -1));
}

Child::~Child() {
  if (!ended()) {
    kill();
    // By number: a loop that watches a copy of the pidfd makes it non-blocking, and waiting on it then does not wait.
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  ::close(output_);
  ::close(pidfd_);
  shut_calls();
}

std::vector<pid_t> Child::processes() const {
  constexpr std::size_t most = 64;
  std::vector<pid_t> all{pid_};
  for (std::size_t i = 0; i < all.size(); ++i) {
    // A child is its thread's (proc(5), /proc/PID/task/TID/children).
    for (const auto& thread : entries_of(fmt::format("/proc/{}/task", all[i]))) {
      std::ifstream children(thread.path() / "children");
      for (pid_t child = 0; all.size() < most && children >> child;) all.push_back(child);
    }
  }
  return all;
}

std::optional<Exit> Child::ended() {
  if (exit_) return exit_;
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd_), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
    return std::nullopt;
  exit_ = info.si_code == CLD_EXITED ? Exit{info.si_status, 0} : Exit{0, info.si_status};
  ::kill(-pid_, SIGKILL);  // whatever it started itself
  return exit_;
}

void Child::ask_to_stop() {
  if (!ended()) ::kill(-pid_, SIGTERM);
}

void Child::kill() {
  if (!ended()) ::kill(-pid_, SIGKILL);
}

}  // namespace faelled::node
