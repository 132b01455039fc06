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

// Who may make a call: roles of signed-in people, API keys, and the owner: whoever reaches the owner-only socket on the
// server's own machine. What depends on whom and what a call is about, members/rights.hpp decides.
enum class Who : std::uint8_t {
  user = 1,
  builder = 2,
  member_admin = 4,
  auditor = 8,
  operator_ = 16,
  key = 32,
  owner = 64
};

struct Access {
  std::uint8_t bits = 0;  // none: anybody

  constexpr bool has(Who who) const { return (bits & static_cast<std::uint8_t>(who)) != 0; }
  constexpr bool open() const { return bits == 0; }
  constexpr Access operator|(Who who) const {
    return {static_cast<std::uint8_t>(bits | static_cast<std::uint8_t>(who))};
  }
  constexpr bool operator==(const Access&) const = default;
};

namespace access {
inline constexpr Access anybody{};
// Those with words of their own. An operator and an auditor have none, so that they cannot come near anybody's.
inline constexpr Access chat = Access{} | Who::user | Who::builder | Who::member_admin;
inline constexpr Access people = chat | Who::auditor | Who::operator_;
inline constexpr Access callers = people | Who::key | Who::owner;
inline constexpr Access key_makers = chat | Who::operator_ | Who::owner;
inline constexpr Access admins = Access{} | Who::member_admin | Who::operator_ | Who::owner;
inline constexpr Access member_admins = Access{} | Who::member_admin;
inline constexpr Access readers = admins | Who::auditor;
inline constexpr Access policy_readers = people | Who::owner;
// Of all members, as sums without a name.
inline constexpr Access sum_readers = Access{} | Who::auditor | Who::operator_ | Who::owner;
inline constexpr Access operators = Access{} | Who::operator_ | Who::owner;
}  // namespace access

struct Visitor {
  bool owner = false;
  std::optional<members::Session> session;
  std::optional<members::Caller> key;

  bool may(Access access) const;
  // Reads and changes what is of all members.
  bool over_all() const { return owner || is(store::Role::operator_); }
  bool is(store::Role role) const { return session && session->user.role == role; }
  // Who acts: the session before the key, where a call has both.
  members::Actor actor(std::string peer) const;
  // Who asks a model, for what its member and key allow.
  std::optional<members::Caller> caller() const;
};

struct Call {
  const http::Request& request;
  http::Reply& reply;
  std::string request_id;
  Visitor visitor;
  observe::Log& log;
  std::string id;                                    // the {id} of the path
  std::string action = {};                           // what it turned out to be, for the audit; empty: the route's
  mutable std::optional<openai::Cause> failed = {};  // how it was answered, for the audit

  members::Act act(WallTime now) const { return {now, visitor.actor(reply.peer()), request_id}; }

  void json(int status, std::string_view body) const;
  void none() const;  // 204
  // A file for a spreadsheet; `next` in the header x-next, empty: there is no more.
  void csv(std::string_view text, std::string_view file, std::string_view next) const;
  void fail(const openai::ApiError& error) const;
  // `param`: the field it is about, where the error does not say. What is our own failure is logged, and told in full
  // to the operator alone.
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
