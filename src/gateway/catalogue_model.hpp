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

// Whether what is for `members` is for this one; an empty list: for everybody. Who is nobody's member has no name.
bool is_for(const std::vector<std::string>& members, std::string_view member);

// A LoRA of a model, asked for as a model of its own. The engine's part of it has the same number in
// ModelSettings::adapters.
struct CatalogueAdapter {
  std::string id;                    // "base:name"
  std::string name;                  // as the engine's part has it
  std::vector<std::string> members;  // of whom the model is for: who may use it, and learn of it; empty: all of them
  std::vector<Alias> aliases = {};
  bool has_card = false;
  CardText da;
  CardText en;
  bool operator==(const CatalogueAdapter&) const = default;
};

struct CatalogueModel {
  engines::ModelSettings settings;
  std::vector<CatalogueAdapter> adapters = {};
  std::vector<Alias> aliases = {};
  bool has_card = false;
  CardText da;
  CardText en;
  std::vector<std::string> members = {};  // who may use it and its adapters, and learn of them; empty: everybody
  std::uint64_t version = 0;              // counts its changes at run time, from 1; 0: it stands in the configuration
  bool operator==(const CatalogueModel&) const = default;
};

}  // namespace faelled::gateway
