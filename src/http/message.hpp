// What a request and an answer are, apart from any socket. Views point into the connection's buffer and live as long
// as the request is being handled.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace faelled::http {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };

struct Header {
  std::string_view name;  // as it came; compare with same_name()
  std::string_view value;
};

// ASCII, without regard to case (RFC 9110 section 5.1).
bool same_name(std::string_view a, std::string_view b);

struct Request {
  Method method = Method::other;
  std::string_view target;
  std::string_view path;   // target up to '?', percent-encoding untouched
  std::string_view query;  // after '?', may be empty
  std::vector<Header> headers;
  std::string_view body;
  bool keep_alive = true;
  bool http_1_0 = false;

  // Value of the first header of that name, or an empty view.
  std::string_view header(std::string_view name) const;
};

// "%41" is A; what is no such triple, and '+', means itself.
std::string percent_decoded(std::string_view text);

// The text of one query parameter, percent-decoded; nullopt-like empty string when it is missing.
std::string query_value(std::string_view query, std::string_view name);
// Of one that may be repeated, in order.
std::vector<std::string> query_values(std::string_view query, std::string_view name);

std::string_view reason_phrase(int status);

}  // namespace faelled::http
