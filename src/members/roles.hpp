// What people may be, and how roles and the policy's choices are called in the API, in the audit and on the command
// line. Pure.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "store/rows.hpp"

namespace faelled::members {

using store::Role;

// user: the page's chat, own usage, own keys where the policy lets them. builder: keys for the member's systems as
// well. member_admin: the member's users, keys, policy, usage by person and audit. auditor: reads audit and policy, and
// usage as sums. operator_: all members' administration, nobody's conversations; made by an operator alone.
inline constexpr std::array role_names{
    std::pair{Role::user, std::string_view("user")}, std::pair{Role::builder, std::string_view("builder")},
    std::pair{Role::member_admin, std::string_view("member_admin")},
    std::pair{Role::auditor, std::string_view("auditor")}, std::pair{Role::operator_, std::string_view("operator")}};

constexpr std::string_view name_of(Role role) {
  for (const auto& [known, name] : role_names)
    if (known == role) return name;
  return "user";
}

constexpr std::optional<Role> role_of(std::string_view text) {
  for (const auto& [role, name] : role_names)
    if (name == text) return role;
  return std::nullopt;
}

constexpr std::string_view name_of(store::KeyMakers makers) {
  switch (makers) {
    case store::KeyMakers::all:
      return "all";
    case store::KeyMakers::builders:
      return "builders";
    case store::KeyMakers::admins:
      break;
  }
  return "admins";
}

constexpr std::string_view name_of(store::ConversationPlace place) {
  return place == store::ConversationPlace::server ? "server" : "browser";
}

constexpr std::string_view name_of(store::ShowWaiting show) {
  switch (show) {
    case store::ShowWaiting::off:
      return "off";
    case store::ShowWaiting::da:
      return "da";
    case store::ShowWaiting::en:
      break;
  }
  return "en";
}

constexpr std::string_view name_of(store::ActorKind kind) {
  switch (kind) {
    case store::ActorKind::system:
      return "system";
    case store::ActorKind::config:
      return "config";
    case store::ActorKind::owner:
      return "owner";
    case store::ActorKind::user:
      return "user";
    case store::ActorKind::key:
      return "key";
    case store::ActorKind::front_end:
      break;
  }
  return "front_end";
}

// The value of that name among `all`; nullopt: none has it.
template <class T, std::size_t N>
constexpr std::optional<T> value_named(std::string_view text, const std::array<T, N>& all) {
  for (const T value : all)
    if (name_of(value) == text) return value;
  return std::nullopt;
}

}  // namespace faelled::members
