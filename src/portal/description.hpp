// The OpenAPI 3.1 description of /api, as it is in src/portal/openapi.json; the UI's client is generated from it.
#pragma once

#include <string_view>

namespace faelled::portal {

std::string_view api_description();

}  // namespace faelled::portal
