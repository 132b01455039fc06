// CatalogueKeeping: what the portal needs to let operators add, change and remove models while the server runs. main()
// implements it: it alone knows how a definition is read and whom a change concerns. Loop's thread.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "gateway/catalogue.hpp"

namespace faelled::portal {

// How a stored model is told from other settings: "model/" and its id.
inline constexpr std::string_view model_setting = "model/";

// What is wrong with a definition, and with which of its keys: "definition.file".
struct WrongDefinition {
  std::string key;
  std::string message;
  bool operator==(const WrongDefinition&) const = default;
};

struct ModelFit {
  std::uint64_t weights = 0;  // bytes
  std::uint64_t kv_cache = 0;
  std::uint64_t working = 0;
  std::uint64_t memory = 0;                   // the most there is for it; all four zero: it takes none of ours
  std::string why_not;                        // it does not fit, in plain words; empty: it does
  std::optional<WrongDefinition> wrong = {};  // a file it names cannot be used; the rest says nothing then
};

class CatalogueKeeping {
 public:
  virtual ~CatalogueKeeping() = default;
  // A definition: JSON with the keys of `models[]` (docs/configuration.md). All mistakes at once, a line each; the key
  // is that of the first.
  virtual std::expected<gateway::CatalogueModel, WrongDefinition> read(std::string_view definition) const = 0;
  // Looks at its files; runs on another thread, and holds nothing of ours.
  virtual std::function<Expected<ModelFit>()> look(const gateway::CatalogueModel& model) const = 0;
  // It is in the store: now everybody learns of it.
  virtual void put(gateway::CatalogueModel model, std::string definition, const ModelFit& fit) = 0;
  virtual void remove(const std::string& id) = 0;
  // Of a model that was added while the server ran; empty for others.
  virtual std::string definition(const std::string& id) const = 0;
  // It was removed once: counts on from there.
  virtual std::uint64_t last_version(const std::string& id) const = 0;
};

// What is kept in the store of a model; an empty definition: it was removed.
std::string stored_model(std::uint64_t version, std::string_view definition, const ModelFit& fit);

}  // namespace faelled::portal
