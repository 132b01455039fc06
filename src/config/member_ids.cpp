#include "config/member_ids.hpp"

#include <algorithm>

namespace faelled::config {
namespace {

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

}  // namespace

std::optional<std::string> member_id(Fields& fields, std::string_view key) {
  auto id = fields.required(key, "demo");
  if (!id || is_id(*id)) return id;
  fields.wrong(key, fields.path(key) + " " + in_quotes(*id) + " is no member id",
               "1 to 64 of a-z, 0-9, '-', '_' and '.'; the name people read may be anything");
  return std::nullopt;
}

void add_member_if_new(Config& config, const std::string& id) {
  const auto same = [&](const Member& member) { return member.id == id; };
  if (std::none_of(config.members.begin(), config.members.end(), same)) config.members.push_back({id, id});
}

}  // namespace faelled::config
