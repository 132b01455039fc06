#include "members/snapshot.hpp"

#include "base/check.hpp"
#include "base/day.hpp"
#include "json/writer.hpp"
#include "members/roles.hpp"

namespace faelled::members {
namespace {

using Field = Snapshot::Field;

Field text(std::string name, std::string_view value) {
  std::string json = "null";
  if (!value.empty()) json::append_text(json = "", value);
  return {std::move(name), std::move(json)};
}

Field personal(std::string name, std::string_view value) {
  Field field = text(std::move(name), value);
  field.personal = true;
  return field;
}

Field time(std::string name, const std::optional<WallTime>& value) {
  return {std::move(name), value ? std::to_string(unix_seconds(*value)) : "null"};
}

Field days(std::string name, const std::optional<std::uint32_t>& value) {
  return {std::move(name), value ? std::to_string(*value) : "null"};
}

Field models(const store::ModelList& list) {
  std::string json;
  json::Writer out(json);
  if (list) {
    out.array();
    for (const std::string& id : *list) out.text(id);
    out.close_array();
  } else {
    out.text("all");
  }
  return {"models", std::move(json)};
}

// Ids of models where none is all.
Field list(const std::vector<std::string>& ids) {
  return models(ids.empty() ? store::ModelList() : store::ModelList(ids));
}

Field amount(const std::optional<std::int64_t>& ore) { return {"fee_ore", ore ? std::to_string(*ore) : "null"}; }

Field day(std::string name, const std::optional<store::Day>& value) {
  return text(std::move(name), value ? day_text(*value) : "");
}

}  // namespace

Snapshot Snapshot::of(const store::MemberRow& row) {
  const store::Policy& policy = row.policy;
  return {{text("name", row.name), personal("contact", row.contact), models(policy.models),
           days("retention_days", policy.retention_days), text("conversations", name_of(policy.conversations)),
           days("key_days_max", policy.key_days_max), text("key_makers", name_of(policy.key_makers))}};
}

Snapshot Snapshot::of(const store::UserRow& row) {
  return {{personal("name", row.name), personal("email", row.email), text("role", name_of(row.role)),
           text("front_end", row.front_end), personal("external_id", row.external_id),
           Field{"disabled", row.disabled_at ? "true" : "false"}}};
}

Snapshot Snapshot::of(const store::KeyRow& row) {
  return {{text("name", row.name), text("user", row.user), models(row.models),
           text("show_waiting", name_of(row.show_waiting)), text("front_end", row.front_end),
           time("expires_at", row.expires_at), time("revoked_at", row.revoked_at),
           text("rotated_from", row.rotated_from), text("replaced_by", row.replaced_by)}};
}

Snapshot Snapshot::of(const store::TierRow& row) {
  return {{text("name", row.name), days("share", row.share), Field{"places", std::to_string(row.places)},
           days("wait_s", row.wait_s), list(row.models), amount(row.fee_ore)}};
}

Snapshot Snapshot::of(const store::AgreementRow& row) {
  return {{text("id", row.id), text("tier", row.tier), day("from", row.from), day("until", row.until),
           Field{"share", std::to_string(row.share)}, Field{"places", std::to_string(row.places)},
           days("wait_s", row.wait_s), list(row.models), amount(row.fee_ore),
           Field{"suspended", row.suspended ? "true" : "false"}, text("reason_da", row.reason_da),
           text("reason_en", row.reason_en)}};
}

Snapshot Snapshot::of(std::string_view name, std::string_view value) { return {{text(std::string(name), value)}}; }

std::pair<std::string, std::string> differences(const Snapshot& before, const Snapshot& after) {
  FAELLED_CHECK(before.fields.size() == after.fields.size(), "both are of one kind of row");
  std::string was, is;
  json::Writer old(was), now(is);
  old.object();
  now.object();
  bool differ = false;
  for (std::size_t i = 0; i < before.fields.size(); ++i) {
    const Field& a = before.fields[i];
    const Field& b = after.fields[i];
    if (a.value == b.value) continue;
    differ = true;
    const auto write = [](json::Writer& out, const Field& field) {
      if (field.personal && field.value != "null") {
        out.member(field.name, "(not kept)");
      } else {
        out.member_raw(field.name, field.value);
      }
    };
    write(old, a);
    write(now, b);
  }
  if (!differ) return {};
  old.close_object();
  now.close_object();
  return {std::move(was), std::move(is)};
}

}  // namespace faelled::members
