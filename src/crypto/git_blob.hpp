// What git calls a file's content: the SHA-1 of "blob LENGTH", a zero byte and the content. It tells whether a file is
// the one that a hub named; it is no seal against whoever can make both files. Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace faelled::crypto {

using GitBlobId = std::array<std::byte, 20>;

// Of content that comes in pieces. One owner, any one thread.
class RunningGitBlob {
 public:
  explicit RunningGitBlob(std::uint64_t bytes);  // of the whole content
  ~RunningGitBlob();
  RunningGitBlob(const RunningGitBlob&) = delete;
  RunningGitBlob& operator=(const RunningGitBlob&) = delete;

  void add(std::span<const std::byte> bytes);
  // Once, of all that was added.
  GitBlobId finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// 40 digits, in either case; nothing for what is no such id.
std::optional<GitBlobId> git_blob_id_from_hex(std::string_view text);

}  // namespace faelled::crypto
