#include "key_import/columns.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace faelled::key_import {
namespace {

// The first ones are LiteLLM's.
constexpr auto names = std::to_array<std::pair<std::string_view, Column>>(
    {{"token", Column::token},      {"token_hash", Column::token}, {"hash", Column::token},
     {"key_alias", Column::alias},  {"name", Column::alias},       {"alias", Column::alias},
     {"key_name", Column::masked},  {"user_id", Column::user},     {"user", Column::user},
     {"user_email", Column::email}, {"email", Column::email},      {"team_id", Column::team},
     {"team", Column::team},        {"expires", Column::expires},  {"expires_at", Column::expires},
     {"blocked", Column::blocked},  {"disabled", Column::blocked}, {"secret", Column::secret},
     {"key", Column::secret},       {"api_key", Column::secret},   {"member", Column::member},
     {"models", Column::models}});

// Of LiteLLM_VerificationToken and of what /key/list adds. Budgets and rates are among them: what a member gets here
// goes by its share and agreement, which docs/open-webui.md says.
constexpr auto harmless = std::to_array<std::string_view>({"soft_budget_cooldown",
                                                           "spend",
                                                           "aliases",
                                                           "config",
                                                           "max_parallel_requests",
                                                           "metadata",
                                                           "tpm_limit",
                                                           "rpm_limit",
                                                           "max_budget",
                                                           "soft_budget",
                                                           "budget_duration",
                                                           "budget_reset_at",
                                                           "budget_id",
                                                           "budget_limits",
                                                           "allowed_cache_controls",
                                                           "model_spend",
                                                           "model_max_budget",
                                                           "organization_id",
                                                           "org_id",
                                                           "project_id",
                                                           "agent_id",
                                                           "object_permission_id",
                                                           "object_permission",
                                                           "created_at",
                                                           "created_by",
                                                           "created_by_user",
                                                           "updated_at",
                                                           "updated_by",
                                                           "last_active",
                                                           "last_refreshed_at",
                                                           "rotation_count",
                                                           "auto_rotate",
                                                           "rotation_interval",
                                                           "last_rotation_at",
                                                           "key_rotation_at",
                                                           "router_settings",
                                                           "litellm_budget_table",
                                                           "litellm_organization_table",
                                                           "user_role",
                                                           "user_max_budget",
                                                           "user_spend",
                                                           "user_tpm_limit",
                                                           "user_rpm_limit",
                                                           "team_alias",
                                                           "team_spend",
                                                           "team_max_budget",
                                                           "team_tpm_limit",
                                                           "team_rpm_limit",
                                                           "team_metadata",
                                                           "team_member",
                                                           "team_member_spend",
                                                           "team_models",
                                                           "team_model_aliases",
                                                           "team_blocked"});

constexpr std::string_view blanks = " \t\r\n";

}  // namespace

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string plain_heading(std::string_view name) {
  std::string lower(trimmed(name));
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::optional<Column> column_of(std::string_view heading) {
  const auto found = std::ranges::find(names, heading, &std::pair<std::string_view, Column>::first);
  if (found == names.end()) return std::nullopt;
  return found->second;
}

bool is_harmless(std::string_view heading) { return std::ranges::find(harmless, heading) != harmless.end(); }

bool says_nothing(std::string_view text) {
  return text.empty() || text == "NULL" || text == "null" || text == "\\N" || text == "None";
}

bool holds_to_models(std::string_view list) {
  if (says_nothing(list)) return false;
  if (list.starts_with('{') || list.starts_with('[')) list.remove_prefix(1);
  if (list.ends_with('}') || list.ends_with(']')) list.remove_suffix(1);
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    std::string_view name = trimmed(list.substr(0, end));
    if (name.size() > 1 && name.starts_with('"') && name.ends_with('"')) name = name.substr(1, name.size() - 2);
    if (!name.empty() && name != "all-proxy-models" && name != "all-team-models" && name != "*") return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

}  // namespace faelled::key_import
