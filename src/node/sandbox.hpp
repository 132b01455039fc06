// Sandbox: which files an engine may touch, as rules of the kernel (Landlock, Linux 5.13). Made by the parent, before
// the fork, so that the child only has to take it on. What is not named is out of reach: the ledger, the master key,
// the owner's socket's folder, other people's homes. Files an engine can write it cannot run, whatever a model makes it
// do.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace faelled::node {

struct Reach {
  std::vector<std::string> runs;    // programs and folders of programs and libraries: read and execute
  std::vector<std::string> reads;   // files and folders
  std::vector<std::string> writes;  // folders: read, write, make, move within, remove; never execute
  std::vector<std::string> lists;   // folders: names in them and below, and no file
};

// Where any program finds its libraries, the kernel's tables and the devices. Folders that are not there are left out.
Reach system_reach();

class Sandbox {
 public:
  // nullopt: this kernel has none. Errors: io.
  static Expected<std::optional<Sandbox>> of(const Reach& reach);
  // Whether this kernel has Landlock, switched on: its ABI version, 0 for none.
  static int version();

  Sandbox(Sandbox&& other) noexcept;
  Sandbox& operator=(Sandbox&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Sandbox();

  int fd() const { return fd_; }

 private:
  explicit Sandbox(int fd) : fd_(fd) {}
  int fd_;
};

// In the child, once no_new_privs is set. Async-signal-safe. False: errno says why.
bool enter_sandbox(int fd);

}  // namespace faelled::node
