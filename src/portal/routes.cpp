// Who may call what.
#include <fmt/format.h>

#include "portal/description.hpp"
#include "portal/subjects.hpp"

namespace faelled::portal {
namespace {

using http::Method;

template <class Subject>
Subject& subject_of(Subjects& subjects, net::Task<void> (Subject::*)(Call&)) {
  return std::get<Subject&>(subjects.all());
}

template <auto handler>
net::Task<void> by(Subjects& subjects, Call& call) {
  return (subject_of(subjects, handler).*handler)(call);
}

net::Task<void> description(Subjects&, Call& call) {
  call.reply.send(200, fmt::format("Content-Type: application/json\r\nx-request-id: {}\r\n", call.request_id),
                  api_description());
  co_return;
}

}  // namespace

std::span<const Portal::Route> Portal::routes() {
  static constexpr Route all[] = {
      {Method::post, "/api/session", access::anybody, by<&SessionApi::sign_in>},
      {Method::get, "/api/session", access::people, by<&SessionApi::get_session>},
      {Method::del, "/api/session", access::people, by<&SessionApi::sign_out>},
      {Method::get, "/api/models", access::callers, by<&ModelsApi::list_models>},
      {Method::get, "/api/catalogue", access::operators, by<&CatalogueApi::list_catalogue>},
      {Method::post, "/api/catalogue", access::operators, by<&CatalogueApi::add_model>, "model.add"},
      {Method::get, "/api/catalogue/{id}", access::operators, by<&CatalogueApi::get_model>},
      {Method::put, "/api/catalogue/{id}", access::operators, by<&CatalogueApi::change_model>, "model.change"},
      {Method::del, "/api/catalogue/{id}", access::operators, by<&CatalogueApi::remove_model>, "model.remove"},
      {Method::post, "/api/catalogue/{id}/fetch", access::operators, by<&CatalogueApi::fetch_model>, "model.fetch"},
      {Method::get, "/api/aliases", access::operators, by<&AliasesApi::list_aliases>},
      {Method::put, "/api/aliases/{id}", access::operators, by<&AliasesApi::put_alias>, "alias.move"},
      {Method::post, "/api/aliases/{id}/rollback", access::operators, by<&AliasesApi::roll_back_alias>,
       "alias.rollback"},
      {Method::del, "/api/aliases/{id}", access::operators, by<&AliasesApi::remove_alias>, "alias.remove"},
      {Method::get, "/api/residency", access::operators, by<&ResidencyApi::get_residency>, "residency.read"},
      {Method::get, "/api/residency/events", access::operators, by<&ResidencyApi::list_residency_events>,
       "residency.read"},
      {Method::post, "/api/models/{id}/residency", access::operators, by<&ResidencyApi::order_residency>,
       "model.residency"},
      {Method::get, "/api/conversations", access::chat, by<&ConversationsApi::list_conversations>},
      {Method::post, "/api/conversations", access::chat, by<&ConversationsApi::create_conversation>},
      {Method::get, "/api/conversations/{id}", access::chat, by<&ConversationsApi::get_conversation>},
      {Method::del, "/api/conversations", access::chat, by<&OwnDataApi::delete_everything>, "user.delete_words"},
      {Method::patch, "/api/conversations/{id}", access::chat, by<&ConversationsApi::change_conversation>},
      {Method::del, "/api/conversations/{id}", access::chat, by<&ConversationsApi::delete_conversation>},
      {Method::post, "/api/conversations/{id}/restore", access::chat, by<&OwnDataApi::restore_conversation>},
      {Method::post, "/api/conversations/{id}/ratings", access::chat, by<&ConversationsApi::rate_answer>},
      {Method::get, "/api/deleted", access::chat, by<&OwnDataApi::list_deleted>},
      {Method::post, "/api/deleted/restore", access::chat, by<&OwnDataApi::restore_everything>, "user.restore_words"},
      {Method::post, "/api/search", access::chat, by<&ConversationsApi::search>},
      {Method::get, "/api/ratings", access::member_admins, by<&ConversationsApi::list_ratings>, "rating.list"},
      {Method::get, "/api/export", access::chat, by<&OwnDataApi::export_everything>, "user.export"},
      {Method::post, "/api/conversations/{id}/turns", access::chat, by<&TurnsApi::start_turn>},
      {Method::post, "/api/turns", access::chat, by<&TurnsApi::start_loose_turn>},
      {Method::get, "/api/turns/{id}/events", access::chat, by<&TurnsApi::watch_turn>},
      {Method::del, "/api/turns/{id}", access::chat, by<&TurnsApi::stop_turn>},
      {Method::get, "/api/usage", access::callers, by<&UsageApi::get_usage>, "usage.read"},
      {Method::get, "/api/tickets/{id}", access::callers, by<&CommonsApi::get_ticket>},
      {Method::get, "/api/share", access::callers, by<&CommonsApi::get_share>},
      {Method::get, "/api/shares", access::operators, by<&CommonsApi::list_shares>, "share.list"},
      {Method::post, "/api/shares/check", access::operators, by<&CommonsApi::check_shares>, "share.check"},
      {Method::post, "/api/what-if", access::operators, by<&CommonsApi::what_if>},
      {Method::get, "/api/audit", access::readers, by<&AuditApi::get_audit>, "audit.read"},
      {Method::get, "/api/members", access::operators, by<&MembersApi::list_members>, "member.list"},
      {Method::post, "/api/members", access::operators, by<&MembersApi::create_member>, "member.create"},
      {Method::patch, "/api/members/{id}", access::operators, by<&MembersApi::update_member>, "member.update"},
      {Method::get, "/api/members/{id}/policy", access::policy_readers, by<&MembersApi::get_policy>, "member.read"},
      {Method::patch, "/api/members/{id}/policy", access::admins, by<&MembersApi::update_policy>, "member.update"},
      {Method::get, "/api/agreements", access::readers, by<&AgreementsApi::list_agreements>, "agreement.read"},
      {Method::post, "/api/agreements", access::operators, by<&AgreementsApi::change_agreements>, "agreement.change"},
      {Method::post, "/api/agreements/plan", access::operators, by<&AgreementsApi::plan_agreements>, "agreement.plan"},
      {Method::get, "/api/agreements/history", access::readers, by<&AgreementsApi::get_agreement_history>,
       "agreement.read"},
      {Method::get, "/api/agreements/sums", access::sum_readers, by<&AgreementsApi::sum_agreements>, "agreement.sums"},
      {Method::get, "/api/promise", access::people, by<&AgreementsApi::get_promise>},
      {Method::get, "/api/tiers", access::operators, by<&AgreementsApi::list_tiers>, "tier.list"},
      {Method::post, "/api/tiers", access::operators, by<&AgreementsApi::set_tier>, "tier.update"},
      {Method::del, "/api/tiers/{id}", access::operators, by<&AgreementsApi::remove_tier>, "tier.remove"},
      {Method::get, "/api/members/{id}/users", access::admins, by<&UsersApi::list_users>, "user.list"},
      {Method::post, "/api/members/{id}/users", access::admins, by<&UsersApi::create_user>, "user.create"},
      {Method::patch, "/api/users/{id}", access::admins, by<&UsersApi::update_user>, "user.update"},
      {Method::get, "/api/keys", access::key_makers, by<&KeysApi::list_keys>, "key.list"},
      {Method::post, "/api/keys", access::key_makers, by<&KeysApi::create_key>, "key.create"},
      {Method::patch, "/api/keys/{id}", access::key_makers, by<&KeysApi::update_key>, "key.update"},
      {Method::post, "/api/keys/{id}/rotate", access::key_makers, by<&KeysApi::rotate_key>, "key.rotate"},
      {Method::del, "/api/keys/{id}", access::key_makers, by<&KeysApi::revoke_key>, "key.revoke"},
      {Method::post, "/api/keys/import", access::operators, by<&KeysApi::import_keys>, "key.import"},
      {Method::get, "/api/front-ends", access::operators, by<&FrontEndsApi::list_front_ends>, "front_end.list"},
      {Method::post, "/api/front-ends/test", access::operators, by<&FrontEndsApi::test_front_end>, "front_end.test"},
      {Method::post, "/api/sign-in-links", access::admins, by<&UsersApi::create_sign_in_link>, "user.sign_in_link"},
      {Method::get, "/api/status", access::anybody, by<&StatusApi::get_status>},
      {Method::get, "/api/maintenance", access::operators, by<&MaintenanceApi::get_maintenance>, "maintenance.read"},
      {Method::patch, "/api/maintenance", access::operators, by<&MaintenanceApi::update_maintenance>,
       "maintenance.update"},
      {Method::post, "/api/notices", access::operators, by<&MaintenanceApi::create_notice>, "notice.create"},
      {Method::patch, "/api/notices/{id}", access::operators, by<&MaintenanceApi::update_notice>, "notice.update"},
      {Method::del, "/api/notices/{id}", access::operators, by<&MaintenanceApi::delete_notice>, "notice.delete"},
      {Method::get, "/api/engine-log", access::operators, by<&MaintenanceApi::get_engine_log>, "engine_log.read"},
      {Method::get, "/api/openapi.json", access::anybody, description},
  };
  return all;
}

}  // namespace faelled::portal
