// confine: what a child does to itself between fork and exec. Async-signal-safe: no allocation, no lock, no exception.
#pragma once

#include <sys/types.h>

namespace faelled::node {

// The step that failed, for the parent; errno says why.
enum class ConfineStep : int {
  none,
  parent_gone,
  no_core,
  no_new_privileges,
  no_powers,
  no_files,
  no_network,
  folder,
  descriptors,
  exec
};

struct Confinement {
  pid_t parent = 0;  // the spawning process
  const char* folder = "/";
  bool network = false;
  int sandbox_fd = -1;  // the rules on files; negative: none
  // A socket to the parent: each connect() waits for its word, asked of the descriptor that is sent through this one.
  // Negative: no connect() at all.
  int calls_fd = -1;
};

// Leaves descriptors 0, 1, 2 and `keep_fd` (close-on-exec) open.
ConfineStep confine(const Confinement& how, int keep_fd);

}  // namespace faelled::node
