// CatalogueModel: what a client may name, as the gateway knows it. A value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engines/model_settings.hpp"
#include "rpc/messages.hpp"

namespace faelled::gateway {

// What a person reads about a model, in one language.
struct CardText {
  std::string summary;
  std::string good_for;
  std::string where;
  bool operator==(const CardText&) const = default;
};

// Another name for a model; what is asked for by it may take a lane of its own.
struct Alias {
  std::string name;
  rpc::Lane lane = rpc::Lane::interactive;
  bool listed = true;
  bool operator==(const Alias&) const = default;
};

// A LoRA of a model, asked for as a model of its own. The engine's part of it has the same number in
// ModelSettings::adapters.
struct CatalogueAdapter {
  std::string id;                    // "base:name"
  std::string name;                  // as the engine's part has it
  std::vector<std::string> members;  // who may use it, and learn that it is there; empty: everybody
  std::vector<Alias> aliases = {};
  bool has_card = false;
  CardText da;
  CardText en;
  bool is_for(std::string_view member) const;
  bool operator==(const CatalogueAdapter&) const = default;
};

struct CatalogueModel {
  engines::ModelSettings settings;
  std::vector<CatalogueAdapter> adapters = {};
  std::vector<Alias> aliases = {};
  bool has_card = false;
  CardText da;
  CardText en;
  std::uint64_t version = 0;  // counts its changes at run time, from 1; 0: it stands in the configuration
  bool operator==(const CatalogueModel&) const = default;
};

}  // namespace faelled::gateway
