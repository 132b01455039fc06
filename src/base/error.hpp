// Error: what a caller can act on. `message` says what and where, `hint` how to mend it; both are shown to people,
// so neither may hold a secret, a prompt or an answer.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace faelled {

enum class Errc {
  invalid,       // the input is wrong; the same input stays wrong
  unauthorized,  // who are you?
  forbidden,     // not for you
  not_found,
  exists,
  conflict,  // the state has moved on
  too_large,
  exhausted,    // a bound of ours is reached; later it may fit
  unavailable,  // something we depend on does not answer now
  timeout,
  cancelled,
  incompatible,  // written by a newer version, or not ours at all
  io,
  internal,
};

struct Error {
  Errc code = Errc::internal;
  std::string message;
  std::string hint;
  std::string_view
      field{};  // of the input that it is about, as interfaces call it: a literal; empty: none, or all of it
};

template <class T>
using Expected = std::expected<T, Error>;

inline std::unexpected<Error> fail(Errc code, std::string message, std::string hint = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(hint)});
}

// The same, about this field.
inline std::unexpected<Error> about(std::string_view field, Error error) {
  error.field = field;
  return std::unexpected(std::move(error));
}

}  // namespace faelled
