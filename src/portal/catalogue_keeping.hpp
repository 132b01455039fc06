// CatalogueKeeping: what the portal needs to let operators add, change and remove models while the server runs. main()
// implements it: it alone knows how a definition is read and whom a change concerns. Loop's thread.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "gateway/catalogue.hpp"

namespace faelled::portal {

// What is wrong with a definition, and with which of its keys: "definition.file".
struct WrongDefinition {
  std::string key;
  std::string message;
  bool operator==(const WrongDefinition&) const = default;
};

// What a model's source says of its file before that is fetched.
struct FileOffer {
  bool here = false;        // nothing is left to fetch
  std::uint64_t bytes = 0;  // 0: the server does not say
  std::string sha256;       // of a folder: of its listing
  std::string why_no_room;  // the disk has none, in plain words; empty: it has
  std::string commit = {};  // of a folder
};

// How a model's file comes from its source.
struct Download {
  enum class State : std::uint8_t { here, waiting, fetching, failed };
  State state = State::here;
  std::string source;
  std::string sha256;  // empty: the hub has not said it yet
  std::string file;    // empty as long as that is so
  std::uint64_t bytes = 0;
  std::uint64_t total = 0;  // 0: not known
  std::uint64_t bytes_per_s = 0;
  Duration left{};     // fetching: estimate; zero: unknown
  Duration again{};    // waiting after a failure: until the next try
  std::string detail;  // why it failed last, and how to mend it
  // Failed: bytes of it that stay on the disk, for an order that goes on with them, and where they lie.
  std::uint64_t kept = 0;
  std::string kept_in;
};

struct ModelFit {
  std::uint64_t weights = 0;  // bytes
  std::uint64_t kv_cache = 0;
  std::uint64_t working = 0;
  std::uint64_t memory = 0;  // the most there is for it; the others zero: it takes none of ours, or with `offer` nobody
                             // knows until it is here
  std::uint64_t pinned = 0;  // what models that never go took of it before
  std::string why_not;       // it does not fit, in plain words; empty: it does
  std::optional<WrongDefinition> wrong = {};  // a file it names cannot be used; the rest says nothing then
  std::optional<FileOffer> offer = {};        // it has a source
};

// A stored model that could not be taken in when the server started.
struct LeftOut {
  std::string definition;  // empty: not even that can be read
  std::string why;
  std::string why_da;
  bool operator==(const LeftOut&) const = default;
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
  virtual void put(gateway::CatalogueModel model, const ModelFit& fit) = 0;
  // `its_file`: what was fetched for it goes too, unless another model has it.
  virtual void remove(const std::string& id, bool its_file) = 0;
  // Nothing for a model without a source.
  virtual std::optional<Download> download(const std::string& id) const = 0;
  // Fetches its file now, whatever failed before. Errors: not_found, for a model without a source.
  virtual Expected<void> fetch(const std::string& id) = 0;
  // It was removed once, or left out: counts on from there.
  virtual std::uint64_t last_version(const std::string& id) const = 0;
  // By id. One that is put or removed stands here no longer; removing it touches no other model of its name.
  virtual const std::map<std::string, LeftOut, std::less<>>& left_out() const = 0;
};

// What is kept in the store of a model; an empty definition: it was removed.
std::string stored_model(std::uint64_t version, std::string_view definition, const ModelFit& fit);
// Back.
struct StoredModel {
  std::string definition;  // empty: it was removed
  ModelFit fit;            // as it was when the model came
};
// Nothing: it is no such text.
std::optional<StoredModel> read_stored_model(std::string_view stored);

}  // namespace faelled::portal
