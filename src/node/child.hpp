// Child: one engine process, owned by us from spawn to reaping. It cannot outlive us (PR_SET_PDEATHSIG), sees no
// descriptor, environment or terminal of ours, reaches no network, sees only files that it was given, gains no rights
// and leaves no core dump, because a dump would hold prompts.
//
// PR_SET_PDEATHSIG fires when the THREAD that spawned ends, not the process: call spawn() only on a thread that lives
// as long as the process does (the event loop's). Owned by the node, on that thread.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "node/sandbox.hpp"

namespace faelled::node {

struct ChildPlan {
  std::string program;                   // absolute path
  std::vector<std::string> arguments;    // without the program's name
  std::vector<std::string> environment;  // all of it
  std::string folder;                    // to run in; empty: "/"
  bool network = false;                  // false: unix sockets to listen on, and no connection to anywhere
  std::optional<Reach> reach;            // files beside the system's; nullopt: whatever our user may
  bool calls = false;                    // unix connections and TCP sockets to listen on, until shut_calls()
};

// How a process ended. Engines exit with 0 after a fault too, so this is for people, never for deciding.
struct Exit {
  int code = 0;  // when signal is 0
  int signal = 0;
  std::string in_words() const;  // "exited with code 1", "was ended by signal 11 (Segmentation fault)"
};

class Child {
 public:
  // Fails when the program cannot be started, saying why; nothing is left behind then.
  static Expected<std::unique_ptr<Child>> spawn(const ChildPlan& plan);
  // Kills what still runs and reaps it.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // It and what it started, and what that did; at most 64.
  std::vector<pid_t> processes() const;
  // Readable when the process has ended. Ours: dup() it for whoever closes what it watches.
  int exit_fd() const { return pidfd_; }
  // What it writes to stdout and stderr; does not block. Readable also when it has ended.
  int output_fd() const { return output_; }

  // Readable when it, or a process of its own, wants one of these and waits for let_call(); -1: there are none.
  int calls_fd() const { return calls_; }
  void let_call();
  // From here on it connects to nobody and makes no more sockets of TCP.
  void shut_calls();

  // Reaps, without waiting; the same answer ever after.
  std::optional<Exit> ended();
  // To its whole process group.
  void ask_to_stop();
  void kill();

 private:
  Child(pid_t pid, int pidfd, int output, int calls) : pid_(pid), pidfd_(pidfd), output_(output), calls_(calls) {}

  pid_t pid_;
  int pidfd_;
  int output_;
  int calls_;
  std::optional<Exit> exit_;
};

}  // namespace faelled::node
