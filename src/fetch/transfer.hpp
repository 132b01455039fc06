// Transfer: one question to an HTTP server and its answer, over libcurl: redirects are followed here, each looked at
// like the address an operator wrote. Blocks; for a thread that may. One owner, one thread at a time; `stop` may be set
// from any thread and is seen within a second.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/clock.hpp"
#include "crypto/digest.hpp"
#include "fetch/failure.hpp"

namespace faelled::fetch {

// How to ask. What an operator wrote under `downloads`, and bounds that tests shorten.
struct Manners {
  std::string token;         // for `token_origin` alone. Secret: never logged; empty: none
  std::string token_origin;  // "https://huggingface.co"
  std::string ca_file;       // PEM; empty: what the system trusts
  std::uint64_t rate = 0;    // bytes a second at most; 0: as fast as it comes
  Duration connect_max = std::chrono::seconds(15);
  Duration stall_max = std::chrono::seconds(30);  // below a kilobyte a second; whole seconds, at least one
};

struct Question {
  std::string url;
  bool head = false;
  std::uint64_t from = 0;              // 0 and no `bytes`: the whole
  std::optional<std::uint64_t> bytes;  // so many at most
  std::string if_range;                // an ETag: a part only of what it was then
  bool follow = true;                  // redirects
  Duration within{};                   // all of it, redirects too, at full speed; zero: as long as bytes come
};

struct Answer {
  int status = 0;
  std::string url;                      // that gave it
  std::optional<std::uint64_t> length;  // of the body
  std::string content_range;
  std::string location;  // of a redirect: the whole next address
  std::string etag;
  // Of a hub: the file's hash and size, whoever sends its bytes. Of the last that says so before the first redirect to
  // another origin.
  std::string linked_etag;
  std::optional<std::uint64_t> linked_size;
  Duration retry_after{};
};

class Transfer {
 public:
  Transfer(Manners manners, const std::atomic<bool>& stop);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Told the answer's head before its body, if its status is 200 or 206. False: stop here; what ask() gives is then
  // the answer as if it had ended.
  using Begun = std::function<bool(const Answer&)>;
  using Piece = std::function<bool(std::span<const std::byte>)>;
  // Any status is an answer; failures are those of the way there: cancelled, later, refused.
  std::expected<Answer, Failure> ask(Question question, const Begun& begun = {}, const Piece& piece = {});

 private:
  struct Call;
  std::expected<Answer, Failure> once(const Question& question, const Begun& begun, const Piece& piece);

  Manners manners_;
  const std::atomic<bool>& stop_;
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

// Of a hub's file, as `linked_etag` says it.
std::optional<crypto::Digest> linked_sha256(const Answer& answer);

// What a status other than 200 and 206 says of a source.
Failure failure_of(const Answer& answer);

// Whether a socket may be opened to this address: not to link-local ones, where clouds keep their metadata;
// `only_here`: to this machine's own alone. `address`: a sockaddr.
bool may_connect(const void* address, bool only_here);

}  // namespace faelled::fetch
