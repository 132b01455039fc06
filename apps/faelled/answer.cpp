#include "answer.hpp"

#include <fmt/format.h>

namespace faelled::app {

std::string text_of(const json::Value& object, std::string_view name, std::string_view none) {
  const auto value = object.find(name);
  if (!value || value->is_null()) return std::string(none);
  return value->text().value_or(std::string(value->raw()));
}

double number_of(const json::Value& object, std::string_view name) {
  const auto value = object.find(name);
  return value ? value->number().value_or(0) : 0;
}

bool is(const json::Value& object, std::string_view name) {
  const auto value = object.find(name);
  return value && value->boolean().value_or(false);
}

Error strange_answer(std::string_view what) {
  return {Errc::io, fmt::format("the server's answer {}", what), "is it of the same version as this program?"};
}

}  // namespace faelled::app
