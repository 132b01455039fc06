#include "json/fields.hpp"

#include <algorithm>

namespace faelled::json {
namespace {

std::unexpected<Error> wrong_kind(const std::string& path, const char* wanted, Value got) {
  const std::string subject = path.empty() ? "The body" : path;
  return fail(Errc::invalid, subject + " must be " + wanted + ", not " + kind_name(got.kind()) + ".");
}

std::unexpected<Error> missing(const std::string& path) { return fail(Errc::invalid, path + " is missing."); }

template <class T>
Expected<T> required(Expected<std::optional<T>> value, const std::string& path) {
  if (!value) return std::unexpected(std::move(value.error()));
  if (!*value) return missing(path);
  return std::move(**value);
}

}  // namespace

Expected<Fields> Fields::of(Value value, std::string path) {
  if (value.kind() != Kind::object) return wrong_kind(path, "an object", value);
  return Fields(value, std::move(path));
}

std::string Fields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

std::optional<Value> Fields::take(std::string_view name) {
  asked_.emplace_back(name);
  const auto value = value_.find(name);
  if (!value || value->is_null()) return std::nullopt;
  return value;
}

bool Fields::says_null(std::string_view name) {
  const auto value = value_.find(name);
  if (value) asked_.emplace_back(name);
  return value && value->is_null();
}

Expected<std::optional<std::string>> Fields::maybe_text(std::string_view name) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  auto text = value->text();
  if (!text) return wrong_kind(path_of(name), "a string", *value);
  return std::optional(std::move(*text));
}

Expected<std::optional<std::int64_t>> Fields::maybe_integer(std::string_view name, std::int64_t min, std::int64_t max) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  const auto number = value->integer();
  if (!number) return wrong_kind(path_of(name), "a whole number", *value);
  if (*number < min || *number > max) {
    return fail(Errc::invalid,
                path_of(name) + " must be from " + std::to_string(min) + " to " + std::to_string(max) + ".");
  }
  return std::optional(*number);
}

Expected<std::optional<double>> Fields::maybe_number(std::string_view name, double min, double max) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  const auto number = value->number();
  if (!number) return wrong_kind(path_of(name), "a number", *value);
  if (*number < min || *number > max) {
    return fail(Errc::invalid,
                path_of(name) + " must be from " + std::to_string(min) + " to " + std::to_string(max) + ".");
  }
  return std::optional(*number);
}

Expected<std::optional<bool>> Fields::maybe_boolean(std::string_view name) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  const auto boolean = value->boolean();
  if (!boolean) return wrong_kind(path_of(name), "true or false", *value);
  return std::optional(*boolean);
}

Expected<std::optional<Value>> Fields::maybe_array(std::string_view name) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  if (value->kind() != Kind::array) return wrong_kind(path_of(name), "an array", *value);
  return std::optional(*value);
}

Expected<std::optional<Fields>> Fields::maybe_object(std::string_view name) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  auto fields = of(*value, path_of(name));
  if (!fields) return std::unexpected(std::move(fields.error()));
  return std::optional(std::move(*fields));
}

Expected<std::optional<std::map<std::string, std::string>>> Fields::maybe_texts(std::string_view name) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  if (value->kind() != Kind::object) return wrong_kind(path_of(name), "an object", *value);
  std::map<std::string, std::string> out;
  for (const Member member : value->members()) {
    auto to = member.value.text();
    if (!to) return fail(Errc::invalid, path_of(name) + " leads from text to text");
    out.emplace(member.name.text().value_or(""), std::move(*to));
  }
  return std::optional(std::move(out));
}

Expected<std::string> Fields::text(std::string_view name) { return required(maybe_text(name), path_of(name)); }
Expected<std::int64_t> Fields::integer(std::string_view name, std::int64_t min, std::int64_t max) {
  return required(maybe_integer(name, min, max), path_of(name));
}
Expected<bool> Fields::boolean(std::string_view name) { return required(maybe_boolean(name), path_of(name)); }
Expected<Value> Fields::array(std::string_view name) { return required(maybe_array(name), path_of(name)); }
Expected<Fields> Fields::object(std::string_view name) { return required(maybe_object(name), path_of(name)); }

Expected<Value> Fields::value(std::string_view name) {
  return required(Expected<std::optional<Value>>(take(name)), path_of(name));
}

Expected<void> Fields::finish() const {
  for (const Member member : value_.members()) {
    std::string scratch;
    const std::string_view name = member.name.text_view(scratch);
    if (std::ranges::find(asked_, name) == asked_.end()) {
      return fail(Errc::invalid, path_of(name.substr(0, 100)) + " is not known here.", "Check the spelling.");
    }
  }
  return {};
}

}  // namespace faelled::json
