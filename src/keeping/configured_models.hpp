// Configured models: from what the configuration, or a definition in its form, says of a model to what gateway, node
// and fetching want of it.
#pragma once

#include <filesystem>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"
#include "fetch/fetch.hpp"
#include "gateway/catalogue.hpp"

namespace faelled::keeping {

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

}  // namespace faelled::keeping
