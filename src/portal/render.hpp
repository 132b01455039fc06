// How rows look as JSON and CSV. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "json/writer.hpp"
#include "ledger/usage_row.hpp"
#include "members/directory.hpp"
#include "portal/bulletin.hpp"
#include "portal/csv.hpp"
#include "rpc/messages.hpp"
#include "store/conversations.hpp"

namespace faelled::portal {

void write_member(json::Writer& out, const store::MemberRow& row);
void write_user(json::Writer& out, const store::UserRow& row);
// `secret` empty: not a new key. `user_name`: whose it is, where that is told.
void write_key(json::Writer& out, const store::KeyRow& row, std::string_view secret, std::string_view user_name = {});
void write_policy(json::Writer& out, const store::MemberRow& row);
// `name` of the caller, empty where nobody has it any more.
void write_sum(json::Writer& out, const store::UsageSum& sum, std::string_view name);
// Names: of the actor and the object as they are now, empty where there is none to tell.
void write_audit(json::Writer& out, const store::AuditRow& row, std::string_view actor_name,
                 std::string_view object_name);
void write_usage(json::Writer& out, const ledger::UsageRow& row);
void write_conversation(json::Writer& out, const store::Conversation& row, bool running);  // leaves the object open
void write_message(json::Writer& out, const store::Message& row);
void write_limit(json::Writer& out, store::MessageLimit limit);      // "limit": …
void write_tokens(json::Writer& out, const store::Message& answer);  // "usage": …

// Columns of CSV, with ',' between and the line's end.
extern const std::string_view csv_usage_head;
extern const std::string_view csv_sum_head;
extern const std::string_view csv_hour_head;  // of sums by hour
extern const std::string_view csv_audit_head;
std::string csv_head(std::string_view head, CsvForm form);  // with the form's mark and separator
std::string csv_line(const ledger::UsageRow& row, CsvForm form);
std::string csv_line(const store::UsageSum& sum, CsvForm form);
std::string csv_line(const store::AuditRow& row, CsvForm form);

// A member "maintenance" of the open object, and a notice.
void write_maintenance(json::Writer& out, const gateway::Maintenance& maintenance);
void write_notice(json::Writer& out, const Notice& notice);
std::string_view state_name(rpc::EngineState state);

}  // namespace faelled::portal
