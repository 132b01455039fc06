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
  no_files,
  no_network,
  folder,
  descriptors,
  exec
};

// `parent` is the spawning process's pid; `sandbox_fd`: the rules on files, negative for none. Leaves descriptors 0, 1,
// 2 and `keep_fd` (close-on-exec) open.
ConfineStep confine(pid_t parent, const char* folder, bool network, int sandbox_fd, int keep_fd);

}  // namespace faelled::node
