// From the configuration's plain values to what the roles want.
#pragma once

#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"
#include "front_ends/front_ends.hpp"
#include "gateway/context.hpp"
#include "http/server.hpp"
#include "members/directory.hpp"
#include "mesh/mesh.hpp"

namespace faelled::app {

// Reads the secrets of signed tokens from their files. Errors: io, invalid (too short), with the path.
Expected<std::vector<front_ends::FrontEnd>> front_ends_of(const config::Config& config);
// Why no server would start with what the configuration's files hold, as keeping::catalogue_models(),
// keeping::fetch_settings() and the above say it; empty: one would.
std::vector<Error> refusals_of(const config::Config& config);
std::vector<members::ConfiguredKey> configured_keys(const config::Config& config);
http::ServerBounds server_bounds(const config::Config& config);
http::TrustedProxies trusted_proxies(const config::Config& config);
gateway::Settings gateway_settings(const config::Config& config);
mesh::Mesh::Settings mesh_settings(const config::Config& config, const gateway::Catalogue& catalogue);

}  // namespace faelled::app
