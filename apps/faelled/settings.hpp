// From the configuration's plain values to what the roles want.
#pragma once

#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"
#include "fetch/fetch.hpp"
#include "front_ends/front_ends.hpp"
#include "gateway/exchange.hpp"
#include "http/server.hpp"
#include "members/directory.hpp"
#include "mesh/mesh.hpp"

namespace faelled::app {

// Whether the server's own data lies in that folder or below it.
bool holds_data(const std::filesystem::path& folder, const config::Config& config);
// Where fetched files of models lie.
std::filesystem::path models_folder(const config::Config& config);
// Reads the hub's token from its file. Errors: io, with the path.
Expected<fetch::Settings> fetch_settings(const config::Config& config);
// Reads the keys of upstreams from their files. `depot`: of models_folder(). Errors: io, with the path.
Expected<gateway::CatalogueModel> catalogue_model(const config::Model& from, const config::Config& config,
                                                  const fetch::Depot& depot);
Expected<std::vector<gateway::CatalogueModel>> catalogue_models(const config::Config& config);
// Reads the secrets of signed tokens from their files. Errors: io, invalid (too short), with the path.
Expected<std::vector<front_ends::FrontEnd>> front_ends_of(const config::Config& config);
// Why no server would start with what the configuration's files hold, as the three above say it; empty: one would.
std::vector<Error> refusals_of(const config::Config& config);
std::vector<members::ConfiguredKey> configured_keys(const config::Config& config);
http::ServerBounds server_bounds(const config::Config& config);
http::TrustedProxies trusted_proxies(const config::Config& config);
gateway::Settings gateway_settings(const config::Config& config);
mesh::Mesh::Settings mesh_settings(const config::Config& config, const gateway::Catalogue& catalogue);

}  // namespace faelled::app
