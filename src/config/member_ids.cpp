#include "config/member_ids.hpp"

#include <algorithm>

#include "base/names.hpp"

namespace faelled::config {

std::optional<std::string> member_id(Fields& fields, std::string_view key) {
  auto id = fields.required(key, "demo");
  if (!id) return id;
  const auto ok = check_member_id(*id);
  if (ok) return id;
  fields.wrong(key, fields.path(key) + " " + in_quotes(*id) + " is no member id",
               ok.error().hint + "; the name people read may be anything");
  return std::nullopt;
}

std::optional<std::string> fit_to_show(Fields& fields, std::string_view key, std::optional<std::string> name) {
  if (!name) return name;
  const auto ok = check_name(fields.path(key), *name);
  if (ok) return name;
  fields.wrong(key, ok.error().message, ok.error().hint);
  return std::nullopt;
}

void add_member_if_new(Config& config, const std::string& id) {
  const auto same = [&](const Member& member) { return member.id == id; };
  if (std::none_of(config.members.begin(), config.members.end(), same)) config.members.push_back({id, id});
}

}  // namespace faelled::config
