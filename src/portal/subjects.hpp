// Subjects: the handlers of all calls, a class to a subject, and what they share. Private to the Portal.
#pragma once

#include <tuple>

#include "portal/agreements_api.hpp"
#include "portal/aliases_api.hpp"
#include "portal/audit_api.hpp"
#include "portal/catalogue_api.hpp"
#include "portal/commons_api.hpp"
#include "portal/conversations_api.hpp"
#include "portal/desk.hpp"
#include "portal/front_ends_api.hpp"
#include "portal/keys_api.hpp"
#include "portal/maintenance_api.hpp"
#include "portal/members_api.hpp"
#include "portal/models_api.hpp"
#include "portal/own_data_api.hpp"
#include "portal/portal.hpp"
#include "portal/residency_api.hpp"
#include "portal/session_api.hpp"
#include "portal/status_api.hpp"
#include "portal/turns.hpp"
#include "portal/turns_api.hpp"
#include "portal/usage_api.hpp"
#include "portal/users_api.hpp"

namespace faelled::portal {

struct Subjects {
  explicit Subjects(Portal::Parts parts);

  gateway::Gateway& gateway;
  const std::string public_url;
  const ResidencyApi::DeviceNames device_names;
  Desk desk;
  Turns turns;
  AgreementsApi agreements;
  AliasesApi aliases;
  AuditApi audit;
  CatalogueApi catalogue;
  CommonsApi commons;
  ConversationsApi conversations;
  FrontEndsApi front_ends;
  KeysApi keys;
  MaintenanceApi maintenance;
  MembersApi members;
  ModelsApi models;
  OwnDataApi own_data;
  ResidencyApi residency;
  SessionApi session;
  StatusApi status;
  TurnsApi turns_api;
  UsageApi usage;
  UsersApi users;

  auto all() {
    return std::tie(agreements, aliases, audit, catalogue, commons, conversations, front_ends, keys, maintenance,
                    members, models, own_data, residency, session, status, turns_api, usage, users);
  }
};

}  // namespace faelled::portal
