// Where an OpenAI-compatible upstream listens, from the address an operator wrote. Pure.
#pragma once

#include "base/error.hpp"
#include "engines/model_settings.hpp"
#include "rpc/messages.hpp"

namespace faelled::engines {

// "http://HOST[:PORT][/PATH]" or the same with https, and the key as an Authorization header.
Expected<rpc::Endpoint> upstream_endpoint(const ModelSettings& model);

}  // namespace faelled::engines
