// What stands in the way of a model that operators wish for, in English and Danish. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "openai/api_error.hpp"
#include "portal/catalogue_keeping.hpp"

namespace faelled::portal {

// In Danish by its key; empty: nothing is known of that key in particular.
std::string_view in_danish(const WrongDefinition& why);
openai::ApiError wrong(const WrongDefinition& why);

// Why Catalogue::may_put refused. `own_id`: its id is another model's alias.
std::string_view taken_in_danish(Errc why, bool own_id);

openai::ApiError no_room_on_disk(const FileOffer& offer);
openai::ApiError no_room(const ModelFit& fit);
openai::ApiError in_file(const std::string& id);
openai::ApiError moved_on(const std::string& id, std::uint64_t version);

}  // namespace faelled::portal
