// SchemaBounds: whether a client's JSON schema is cheap enough for an engine to make a grammar of. Engines do that on
// the thread that serves everybody, some by recursion (llama.cpp's json-schema.cpp, 0.5.0), so a schema that explodes
// or refers to itself alone would stop them all. Also says what llama-server would leave out of its grammar without a
// word, for whoever was promised that the schema holds. Pure; lives for one schema, borrows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.hpp"

namespace faelled::openai {

struct SchemaFault {
  std::string path;  // "tools[0].function.parameters.properties"
  std::string what;  // a sentence
};

class SchemaBounds {
 public:
  // `path` names the schema in faults; `root` is where its "#" points.
  SchemaBounds(json::Value root, std::string path) : root_(root), path_(std::move(path)) {}

  // The first thing that is out of bounds or malformed; empty: an engine may have it.
  std::optional<SchemaFault> check();

  // After check(): the first thing that llama-server's grammar would not hold an answer to.
  const std::optional<SchemaFault>& unenforced() const { return unenforced_; }

 private:
  // These return false with fault_ set.
  bool visit(json::Value schema, const std::string& path, std::size_t depth, std::size_t times);
  bool keyword(std::string_view name, json::Value value, json::Value schema, const std::string& path, std::size_t depth,
               std::size_t times);
  bool reference(json::Value value, const std::string& path);
  bool expand_unions(json::Value schema, const std::string& path, std::size_t depth);
  bool each_of(json::Value values, const std::string& path, std::size_t depth, std::size_t times);
  bool pattern(json::Value value, const std::string& path);

  bool wrong(const std::string& path, std::string what);
  void leaves_out(const std::string& path, std::string what);
  std::optional<json::Value> resolve(std::string_view reference) const;

  // What a $ref says, and what it points at.
  struct Reference {
    std::string text;
    json::Value target;
  };
  json::Value root_;
  std::string path_;
  std::size_t nodes_ = 0, unions_ = 0;
  std::vector<Reference> references_;  // each resolved once, however often it stands
  std::optional<SchemaFault> fault_, unenforced_;
};

}  // namespace faelled::openai
