// RequestParser: bytes in, one bounded Request out; no socket, no clock, so it is tested and fuzzed alone. llhttp does
// the grammar in its strict mode (no smuggling by two lengths, bare LF or obs-fold). Owned by one connection.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace faelled::http {

struct RequestBounds {
  std::size_t target_bytes_max;
  std::size_t header_bytes_max;
  std::size_t headers_max;
  std::size_t body_bytes_max;
};

class RequestParser {
 public:
  explicit RequestParser(const RequestBounds& bounds);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  enum class State : unsigned char {
    start,     // no byte of the next request yet
    head,      // in the request line or the headers
    body,      // headers complete
    complete,  // request() is valid; bytes after consumed() belong to the next one
    broken,    // status() and message() say what to answer; close afterwards
  };

  // `buffer` holds all bytes since the start of this request; those before the size of the last call's buffer have been
  // seen. The buffer may move between calls. Call again with more bytes until complete or broken.
  State feed(std::string_view buffer);
  State state() const;

  // True once after the headers of a request that asks "Expect: 100-continue".
  bool take_expects_continue();
  // Body bytes announced, if they were.
  std::size_t content_length() const;

  const Request& request() const;
  // In state body: the request without its body, valid until the next feed().
  const Request& head();
  std::size_t consumed() const;
  int status() const;
  std::string_view message() const;

  // Forgets the request; the next feed() starts another.
  void next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace faelled::http
