// Fields: reads one object with errors that name the path ("keys[2].name must be a string"), for the control API and
// whatever else speed does not matter for. Names that nobody asked for are an error at finish(): a misspelt field must
// not silently do nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "json/value.hpp"

namespace faelled::json {

class Fields {
 public:
  // `path` names the object in errors; empty: the body itself.
  static Expected<Fields> of(Value value, std::string path = {});

  // Required ones: Errc::invalid where missing or of another kind.
  Expected<std::string> text(std::string_view name);
  Expected<std::int64_t> integer(std::string_view name, std::int64_t min, std::int64_t max);
  Expected<bool> boolean(std::string_view name);
  Expected<Value> array(std::string_view name);
  Expected<Fields> object(std::string_view name);
  Expected<Value> value(std::string_view name);  // of any kind

  // Optional ones: empty where missing or null.
  Expected<std::optional<std::string>> maybe_text(std::string_view name);
  Expected<std::optional<std::int64_t>> maybe_integer(std::string_view name, std::int64_t min, std::int64_t max);
  Expected<std::optional<double>> maybe_number(std::string_view name, double min, double max);
  Expected<std::optional<bool>> maybe_boolean(std::string_view name);
  Expected<std::optional<Value>> maybe_array(std::string_view name);
  Expected<std::optional<Fields>> maybe_object(std::string_view name);
  // An object that leads from text to text; the first of two members with one name.
  Expected<std::optional<std::map<std::string, std::string>>> maybe_texts(std::string_view name);

  // It is there and null: where that says something else than not being there.
  bool says_null(std::string_view name);

  // Errc::invalid naming the first member that none of the calls above asked for.
  Expected<void> finish() const;

  std::string path_of(std::string_view name) const;

 private:
  Fields(Value value, std::string path) : value_(value), path_(std::move(path)) {}
  std::optional<Value> take(std::string_view name);  // null reads as missing

  Value value_;
  std::string path_;
  std::vector<std::string> asked_;
};

}  // namespace faelled::json
