#include "node/child.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "engines/vllm_server.hpp"
#include "node/engine_host.hpp"
#include "node/gpu_process.hpp"

namespace faelled::node {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int patience_ms = 10'000;

bool readable(int fd, int wait_ms = patience_ms) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, wait_ms) == 1;
}

ChildPlan shell(std::string script) {
  return {"/bin/sh", {"-c", std::move(script)}, {"PATH=/usr/bin:/bin"}, "", false, std::nullopt};
}

std::string output_of(Child& child) {
  std::string all;
  char buffer[4096];
  while (readable(child.output_fd())) {
    auto n = ::read(child.output_fd(), buffer, sizeof buffer);
    if (n <= 0) break;
    all.append(buffer, static_cast<std::size_t>(n));
  }
  return all;
}

std::string output_of(ChildPlan plan) {
  auto child = Child::spawn(plan);
  EXPECT_TRUE(child) << child.error().message;
  return child ? output_of(**child) : "";
}

TEST(Child, TellsHowItEnded) {
  auto child = Child::spawn(shell("exit 3"));
  ASSERT_TRUE(child);
  ASSERT_TRUE(readable((*child)->exit_fd()));
  ASSERT_TRUE((*child)->ended());
  EXPECT_EQ((*child)->ended()->in_words(), "exited with code 3");
}

TEST(Child, IsNotEndedWhileItRuns) {
  auto child = Child::spawn(shell("exec sleep 60"));
  ASSERT_TRUE(child);
  EXPECT_FALSE((*child)->ended());
  (*child)->kill();
  ASSERT_TRUE(readable((*child)->exit_fd()));
  EXPECT_EQ((*child)->ended()->signal, SIGKILL);
}

TEST(Child, StopsWhenAsked) {
  auto child = Child::spawn(shell("trap 'exit 7' TERM; echo up; while :; do sleep 0.02; done"));
  ASSERT_TRUE(child);
  ASSERT_TRUE(readable((*child)->output_fd()));
  (*child)->ask_to_stop();
  ASSERT_TRUE(readable((*child)->exit_fd()));
  EXPECT_EQ((*child)->ended()->code, 7);
}

TEST(Child, TakesItsOwnChildrenWithIt) {
  auto child = Child::spawn(shell("sleep 60 & echo $!; wait"));
  ASSERT_TRUE(child);
  ASSERT_TRUE(readable((*child)->output_fd()));
  char text[32] = {};
  ASSERT_GT(::read((*child)->output_fd(), text, sizeof text - 1), 0);
  child->reset();
  // A zombie waits for init here; what counts is that it no longer runs.
  auto status = "/proc/" + std::to_string(std::atoi(text)) + "/stat";
  for (int tries = 0; tries < 500; ++tries) {
    char line[256] = {};
    int fd = ::open(status.c_str(), O_RDONLY);
    if (fd < 0) return;
    auto n = ::read(fd, line, sizeof line - 1);
    ::close(fd);
    if (n <= 0 || std::string_view(line).find(") Z") != std::string_view::npos) return;
    ::usleep(10'000);
  }
  FAIL() << "the grandchild still runs";
}

TEST(Child, IsReapedEvenWhenSomebodyMadeItsExitNonBlocking) {
  auto child = Child::spawn(shell("exec sleep 60"));
  ASSERT_TRUE(child);
  pid_t pid = (*child)->pid();
  ::fcntl((*child)->exit_fd(), F_SETFL, O_NONBLOCK);  // as an event loop does
  child->reset();
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(Child, SaysWhyAProgramCannotRun) {
  auto child = Child::spawn({"/nonexistent/llama-server", {}, {}, "", false, std::nullopt});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, Errc::not_found);
  EXPECT_THAT(child.error().message, HasSubstr("/nonexistent/llama-server"));
  EXPECT_FALSE(Child::spawn({"/etc/passwd", {}, {}, "", false, std::nullopt}));
  EXPECT_FALSE(Child::spawn({"/bin/true", {}, {}, "/nonexistent", false, std::nullopt}));
}

TEST(Child, SeesNothingOfOurs) {
  ::setenv("FAELLED_CANARY", "secret", 1);
  int leaked = ::open("/etc/passwd", O_RDONLY);  // without close-on-exec, as a careless library does
  auto seen = output_of(shell("env; for f in /proc/self/fd/*; do readlink $f; done"));
  ::close(leaked);
  EXPECT_THAT(seen, Not(HasSubstr("secret")));
  EXPECT_THAT(seen, Not(HasSubstr("/etc/passwd")));
  EXPECT_THAT(seen, HasSubstr("/dev/null"));
}

TEST(Child, LeavesNoCoreDumpAndGainsNoRights) {
  auto seen = output_of(shell("grep -i 'core file' /proc/self/limits; grep NoNewPrivs /proc/self/status"));
  EXPECT_THAT(seen, testing::ContainsRegex("Max core file size +1 +1 "));
  EXPECT_THAT(seen, testing::ContainsRegex("NoNewPrivs:\t1"));
}

TEST(Child, HasNoNetworkButUnixSockets) {
  auto seen = output_of(
      {"/usr/bin/python3",
       {"-c",
        "import socket\n"
        "socket.socket(socket.AF_UNIX); print('unix')\n"
        "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_PACKET):\n"
        "  try: socket.socket(family, socket.SOCK_RAW if family == socket.AF_PACKET else socket.SOCK_STREAM)\n"
        "  except PermissionError: print('denied')\n"},
       {},
       "",
       false});
  EXPECT_EQ(seen, "unix\ndenied\ndenied\ndenied\n");
}

TEST(Child, ManyComeAndGoWithoutLosingADescriptor) {
  auto open_now = [] {
    int n = 0;
    for (int fd = 0; fd < 1024; ++fd) n += ::fcntl(fd, F_GETFD) != -1;
    return n;
  };
  auto before = open_now();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Child::spawn(shell("exit 0")));
  EXPECT_FALSE(Child::spawn({"/nonexistent", {}, {}, "", false, std::nullopt}));
  EXPECT_EQ(open_now(), before);
}

// kill -9 of the server must leave no engine. A forked process plays the server.
// Invariant: no orphans
TEST(Child, DiesWithAKilledParent) {
  int from_child[2];
  ASSERT_EQ(::pipe(from_child), 0);
  pid_t server = ::fork();
  ASSERT_GE(server, 0);
  if (server == 0) {
    ::close(from_child[0]);
    auto child = Child::spawn(shell("exec sleep 60"));
    pid_t pid = child ? (*child)->pid() : -1;
    if (::write(from_child[1], &pid, sizeof pid) != sizeof pid) ::_exit(1);
    for (;;) ::pause();
  }
  ::close(from_child[1]);
  pid_t engine = -1;
  ASSERT_EQ(::read(from_child[0], &engine, sizeof engine), static_cast<ssize_t>(sizeof engine));
  ::close(from_child[0]);
  ASSERT_GT(engine, 0);
  int engine_fd = static_cast<int>(::syscall(SYS_pidfd_open, engine, 0));
  ASSERT_GE(engine_fd, 0);
  EXPECT_FALSE(readable(engine_fd, 0)) << "it should still run";
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);
  EXPECT_TRUE(readable(engine_fd)) << "an orphan is left";
  ::close(engine_fd);
}

// Invariant: engines reach nothing
// What an engine may touch: one folder to write in and one file to read.
class ChildWithReach : public testing::Test {
 protected:
  void SetUp() override {
    if (Sandbox::version() == 0) GTEST_SKIP() << "this kernel has no Landlock";
    std::string name = (std::filesystem::temp_directory_path() / "faelled-reach-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    for (const char* sub : {"own", "others"}) std::filesystem::create_directory(folder_ / sub);
    std::ofstream(folder_ / "model.gguf") << "weights";
    std::ofstream(folder_ / "others/master.key") << "secret";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string run(const std::string& script) {
    ChildPlan plan = shell("cd " + (folder_ / "own").string() + "; exec 2>&1; " + script);
    plan.reach = Reach{{}, {(folder_ / "model.gguf").string()}, {(folder_ / "own").string()}};
    return output_of(plan);
  }
  std::filesystem::path folder_;
};

TEST_F(ChildWithReach, ReadsTheModelAndNothingOfOurs) {
  EXPECT_EQ(run("cat ../model.gguf"), "weights");
  EXPECT_THAT(run("cat ../others/master.key"), HasSubstr("Permission denied"));
  EXPECT_THAT(run("ls " + folder_.string()), HasSubstr("Permission denied"));
  EXPECT_THAT(run("cat /etc/hostname"), HasSubstr("Permission denied"));
}

TEST_F(ChildWithReach, WritesInItsOwnFolderAlone) {
  EXPECT_EQ(run("echo said > log && cat log && rm log"), "said\n");
  EXPECT_THAT(run("echo x > ../others/new"), HasSubstr("Permission denied"));
  EXPECT_THAT(run("echo x >> ../model.gguf"), HasSubstr("Permission denied"));
  EXPECT_THAT(run("echo x > /tmp/faelled-escaped"), HasSubstr("Permission denied"));
  EXPECT_THAT(run("echo x > /dev/shm/faelled-escaped"), HasSubstr("Permission denied"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "others/new"));
}

// Triton puts what it has compiled into its cache that way.
TEST_F(ChildWithReach, MovesFilesBetweenItsFoldersAndNoneOutOrIn) {
  if (Sandbox::version() < 2) GTEST_SKIP() << "this kernel's Landlock moves nothing between folders";
  const auto moved = [&](const std::string& from, const std::string& to) {
    return run("perl -e 'rename q(" + from + "), q(" + to + ") and print q(moved)'");
  };
  EXPECT_EQ(run("mkdir a b && echo said > a/x"), "");
  EXPECT_EQ(moved("a/x", "b/y"), "moved");
  EXPECT_EQ(moved("b/y", "../others/y"), "");
  EXPECT_EQ(moved("../model.gguf", "b/model.gguf"), "");
  EXPECT_EQ(run("cat b/y"), "said\n");
}

TEST_F(ChildWithReach, RunsNothingThatItWrote) {
  EXPECT_THAT(run("cp /bin/true evil && chmod 700 evil && ./evil"), HasSubstr("Permission denied"));
  EXPECT_EQ(run("/bin/true && echo the system does"), "the system does\n");
}

TEST_F(ChildWithReach, CannotSeeIntoItsParent) {
  const std::string parent = std::to_string(::getpid());
  EXPECT_THAT(run("cat /proc/" + parent + "/environ"), HasSubstr("Permission denied"));
  EXPECT_THAT(run("head -c 1 /proc/" + parent + "/mem"), HasSubstr("Permission denied"));
}

// An engine on a GPU may read /proc; what others have there that matters the kernel shuts.
TEST_F(ChildWithReach, OnAGpuReadsItsOwnProcessesAndNoSecretsOfOthers) {
  const std::string parent = "/proc/" + std::to_string(::getpid());
  engines::Command command;
  Reach reach{{}, {}, {(folder_ / "own").string()}, {}};
  ASSERT_TRUE(let_use_gpu(folder_.string(), command, reach));
  ChildPlan plan = shell(
      "exec 2>/dev/null; "
      "/bin/sh -c 'head -c 1 /proc/self/maps >/dev/null && echo reads its own'; "
      "for f in environ mem maps; do head -c 1 " +
      parent + "/$f && echo reads $f; done; echo 1000 >" + parent + "/oom_score_adj && echo writes");
  plan.environment.insert(plan.environment.end(), command.environment.begin(), command.environment.end());
  plan.reach = reach;
  EXPECT_EQ(output_of(plan), "reads its own\n");
}

TEST(Child, KeepsOfRootsPowersOnlyToReadItsFiles) {
  const ChildPlan plan = shell("grep -E 'CapPrm|CapEff' /proc/self/status");
  const char* left = ::geteuid() == 0 ? "0000000000000002" : "0000000000000000";
  EXPECT_EQ(output_of(plan), fmt::format("CapPrm:\t{0}\nCapEff:\t{0}\n", left));
}

TEST(Child, ConnectsToNobodyNotEvenOnAUnixSocket) {
  // The owner's socket is our user's, and so is the engine.
  auto child =
      Child::spawn({"/usr/bin/python3",
                    {"-c",
                     "import socket, os\n"
                     "s = socket.socket(socket.AF_UNIX); s.bind('\\0faelled-test-%d' % os.getpid()); s.listen()\n"
                     "try: socket.socket(socket.AF_UNIX).connect(s.getsockname()); print('connected')\n"
                     "except PermissionError: print('refused')\n"},
                    {},
                    "",
                    false,
                    std::nullopt});
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(output_of(**child), "refused\n");
}

TEST_F(ChildWithReach, ListsNamesWithoutReadingFiles) {
  const std::string parent = "/proc/" + std::to_string(::getpid());
  ChildPlan plan = shell("exec 2>&1; ls " + parent + "/task > /dev/null && echo listed; cat " + parent +
                         "/environ; cat " + parent + "/maps");
  plan.reach = Reach{{}, {}, {}, {"/proc"}};
  const auto seen = output_of(plan);
  EXPECT_THAT(seen, HasSubstr("listed"));
  for (auto name : {"environ", "maps"}) EXPECT_THAT(seen, HasSubstr(std::string(name) + ": Permission denied"));
}

// The system's log, for one, takes datagrams from whoever sends them, and no connect() is needed.
TEST(Child, SendsNoDatagrams) {
  EXPECT_EQ(
      output_of(ChildPlan{"/usr/bin/python3",
                          {"-c",
                           "import socket\n"
                           "def made(what, make):\n"
                           "  try: make(); print(what, 'yes')\n"
                           "  except PermissionError: print(what, 'no')\n"
                           "made('datagram', lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))\n"
                           "made('raw', lambda: socket.socket(socket.AF_UNIX, socket.SOCK_RAW | socket.SOCK_CLOEXEC))\n"
                           "made('pair', lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))\n"
                           "made('inet', lambda: socket.socket())\n"
                           "made('stream', lambda: socket.socket(socket.AF_UNIX))\n"
                           "made('packets', lambda: socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))\n"
                           "made('streams', socket.socketpair)\n"
                           "made('netlink', lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))\n"},
                          {"HOME=/"}}),
      "datagram no\nraw no\npair no\ninet no\nstream yes\npackets yes\nstreams yes\nnetlink yes\n");
}

// One whose processes call each other while it loads: it connects until it is shut, and to unix sockets only.
TEST(Child, ConnectsUntilItIsShutWhereItMay) {
  char name[] = "/tmp/faelled-calls-XXXXXX";
  const std::filesystem::path folder = ::mkdtemp(name);
  const std::string path = folder / "ours.sock";
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 8), 0);
  const int reachable = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(reachable, reinterpret_cast<sockaddr*>(&here), sizeof here), 0);
  ASSERT_EQ(::listen(reachable, 8), 0);
  socklen_t size = sizeof here;
  ASSERT_EQ(::getsockname(reachable, reinterpret_cast<sockaddr*>(&here), &size), 0);
  const int reachable_port = ntohs(here.sin_port);
  ChildPlan plan{"/usr/bin/python3",
                 {"-uc",
                  "import errno, socket, sys\n"
                  "def tried(what, family, address):\n"
                  "  try:\n"
                  "    s = socket.socket(family); s.connect(address); print(what, 'connected'); return s\n"
                  "  except OSError as e: print(what, errno.errorcode[e.errno])\n"
                  "first = tried('unix', socket.AF_UNIX, sys.argv[1])\n"
                  "tried('inet', socket.AF_INET, ('127.0.0.1', 9))\n"
                  "try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM); print('datagrams')\n"
                  "except PermissionError: print('no datagrams')\n"
                  "def sent(what, s):\n"
                  "  try: s.sendto(b'hello', 0x20000000, ('127.0.0.1', int(sys.argv[2]))); print(what, 'sent')\n"
                  "  except OSError as e: print(what, errno.errorcode[e.errno])\n"
                  "listener = socket.socket(); listener.listen()\n"
                  "sent('before', socket.socket())\n"
                  "first.recv(1)\n"
                  "tried('unix', socket.AF_UNIX, sys.argv[1])\n"
                  "tried('inet', socket.AF_INET, ('127.0.0.1', 9))\n"
                  "listener.shutdown(socket.SHUT_RDWR)\n"  // it is a socket like any other then
                  "sent('listener', listener)\n"
                  "try: listener.sendmsg([b'x'], [], 0x20000000, ('127.0.0.1', int(sys.argv[2]))); print('sent')\n"
                  "except OSError as e: print('message', errno.errorcode[e.errno])\n",
                  path, std::to_string(reachable_port)},
                 {"HOME=/"}};
  plan.calls = true;
  auto child = Child::spawn(plan);
  ASSERT_TRUE(child) << child.error().message;
  ASSERT_GE((*child)->calls_fd(), 0);
  for (int calls = 0; calls < 5; ++calls) {  // connect, socket, connect, socket, socket
    ASSERT_TRUE(readable((*child)->calls_fd()));
    (*child)->let_call();
  }
  const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  ASSERT_GE(accepted, 0);
  (*child)->shut_calls();
  EXPECT_EQ((*child)->calls_fd(), -1);
  ASSERT_EQ(::write(accepted, "x", 1), 1);
  EXPECT_EQ(output_of(**child),
            "unix connected\ninet EACCES\nno datagrams\nbefore EACCES\nunix ENOSYS\ninet ENOSYS\nlistener EACCES\n"
            "message EACCES\n");
  EXPECT_EQ(::accept4(reachable, nullptr, nullptr, SOCK_CLOEXEC), -1) << "nobody came";
  ::close(reachable);
  ::close(accepted);
  ::close(listener);
  std::filesystem::remove_all(folder);
}

TEST(Child, LosesNoDescriptorToCalls) {
  const auto lowest_free = [] {
    const int fd = ::dup(0);
    ::close(fd);
    return fd;
  };
  const int before = lowest_free();
  for (int i = 0; i < 20; ++i) {
    auto plan = shell("exit 0");
    plan.calls = true;
    ASSERT_TRUE(Child::spawn(plan));
  }
  EXPECT_EQ(lowest_free(), before);
}

TEST(ProcessorUsed, CountsWhatEndedChildrenUsed) {
  auto child = Child::spawn(shell("(i=0; while [ $i -lt 500000 ]; do i=$((i+1)); done); echo ended; read forever"));
  ASSERT_TRUE(child) << child.error().message;
  ASSERT_TRUE(readable((*child)->output_fd()));
  EXPECT_GT(processor_used_by((*child)->pid()), Duration(std::chrono::milliseconds(20)));
  EXPECT_EQ(processor_used_by(-1), Duration{});
}

// Where the processor has AMX, Python and what it starts may use it.
TEST(VllmSitecustomize, AsksForAmx) {
  char name[] = "/tmp/faelled-hook-XXXXXX";
  const std::filesystem::path folder = ::mkdtemp(name);
  std::ofstream(folder / "sitecustomize.py") << engines::vllm_sitecustomize();
  ChildPlan plan{"/usr/bin/python3",
                 {"-c",
                  "import ctypes, os, sys\n"
                  "if len(sys.argv) == 1: os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:], 'again'])\n"
                  "def features(which):\n"
                  "  found = ctypes.c_uint64()\n"
                  "  failed = ctypes.CDLL(None).syscall(158, which, ctypes.byref(found))\n"
                  "  return 0 if failed else found.value\n"
                  "has, may = features(0x1021), features(0x1022)\n"
                  "print('as it should be' if has >> 18 & 1 == may >> 18 & 1 else f'has {has:x}, may {may:x}')\n"},
                 {"PYTHONPATH=" + folder.string()}};
  EXPECT_EQ(output_of(plan), "as it should be\n");
  std::filesystem::remove_all(folder);
}

// Python whose parent is killed ends too, whether it was forked or started anew.
// Invariant: no orphans
TEST(VllmSitecustomize, EndsEachOfItsProcessesWithItsParent) {
  char name[] = "/tmp/faelled-hook-XXXXXX";
  const std::filesystem::path folder = ::mkdtemp(name);
  std::ofstream(folder / "sitecustomize.py") << engines::vllm_sitecustomize();
  const std::string sleeper = "import os, signal; print(os.getpid(), flush=True); signal.pause()";
  auto child = Child::spawn({"/usr/bin/python3",
                             {"-uc",
                              "import os, signal, subprocess, sys\n"
                              "subprocess.Popen([sys.executable, '-c', sys.argv[1]])\n"
                              "if os.fork() == 0: exec(sys.argv[1])\n"
                              "signal.pause()\n",
                              sleeper},
                             {"PYTHONPATH=" + folder.string()}});
  ASSERT_TRUE(child) << child.error().message;
  std::vector<int> there;
  std::string said;
  while (there.size() < 2 && readable((*child)->output_fd())) {
    char buffer[64];
    const auto n = ::read((*child)->output_fd(), buffer, sizeof buffer);
    ASSERT_GT(n, 0);
    said.append(buffer, static_cast<std::size_t>(n));
    for (auto end = said.find('\n'); end != said.npos; end = said.find('\n')) {
      there.push_back(static_cast<int>(::syscall(SYS_pidfd_open, std::atoi(said.c_str()), 0)));
      said.erase(0, end + 1);
    }
  }
  ASSERT_EQ(there.size(), 2u);
  ::kill((*child)->pid(), SIGKILL);  // alone, not its group
  for (const int fd : there) {
    EXPECT_TRUE(readable(fd)) << "an orphan is left";
    ::close(fd);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace faelled::node
