// ResponseParser: an engine's answer, bytes in, status, a few headers and decoded body out. Sans-IO. Owned by one
// exchange.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace faelled::http {

class ResponseParser {
 public:
  explicit ResponseParser(std::size_t head_bytes_max);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  // Decoded body bytes are appended to `body`. False: not HTTP, or the head is larger than allowed.
  bool feed(std::string_view bytes, std::string& body);
  // The peer has closed: true if that is a proper end of this answer.
  bool finish();

  bool head_complete() const;
  bool complete() const;
  int status() const;
  bool keep_alive() const;
  // "content-type", "retry-after", "x-request-id": lower-case names of the few that anybody asks for.
  std::string_view header(std::string_view name) const;
  void next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace faelled::http
