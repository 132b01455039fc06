// Call: one request to /api with who makes it. Lives in the handler's frame.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/server.hpp"
#include "json/fields.hpp"
#include "members/directory.hpp"
#include "net/event.hpp"
#include "net/task.hpp"
#include "observe/log.hpp"
#include "openai/api_error.hpp"

namespace faelled::portal {

// Who may make a call. `owner` is whoever reaches the owner-only socket: the operator on the server's own machine.
enum class Access : std::uint8_t { anybody, session, session_or_owner, key_session_or_owner, owner };

struct Visitor {
  bool owner = false;
  std::optional<members::Session> session;
  std::optional<members::Caller> key;
};

struct Call {
  const http::Request& request;
  http::Reply& reply;
  std::string request_id;
  Visitor visitor;
  observe::Log& log;
  std::string id;  // the {id} of the path

  void json(int status, std::string_view body) const;
  void none() const;  // 204
  void fail(const openai::ApiError& error) const;
  // `param`: the field it is about. What is our own failure is logged, and told in full to the operator alone.
  void fail(const Error& error, std::string_view param = {}) const;
};

// Waits for something that answers by callback, exactly once, on the loop.
template <class T, class Start>
net::Task<T> answer_of(Start start) {
  std::optional<T> given;
  net::Event event;
  start([&](T value) {
    given.emplace(std::move(value));
    event.set();
  });
  co_await event;
  co_return std::move(*given);
}

}  // namespace faelled::portal
