// What a process needs beside its files to use an NVIDIA GPU from within our sandbox. Learned on an H100 (driver 580),
// where cuInit failed with 304, and from libcuda itself: each process reads its own maps and status in /proc, and
// names its threads there (thread_names.c). Of /proc it gets to read all, because a rule cannot name a process that is
// not there yet; what others have in it that matters (environ, mem, maps, fd) the kernel shuts to a sandboxed process,
// which may trace nobody outside (Landlock).
#pragma once

#include <string>

#include "base/error.hpp"
#include "engines/command.hpp"
#include "node/sandbox.hpp"

namespace faelled::node {

// Adds that to what an engine is started with. The library is written to `folder` once. Errors: io.
Expected<void> let_use_gpu(const std::string& folder, engines::Command& command, Reach& reach);

}  // namespace faelled::node
