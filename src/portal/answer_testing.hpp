// An answer of a server under test, and what stands where in its JSON. Only tests include this file.
#pragma once

#include <string>
#include <string_view>

#include "json/document.hpp"

namespace faelled::portal {

struct Answer {
  int status = 0;
  std::string head;
  std::string body;

  std::string header(std::string_view name) const {
    std::string lines = head;
    const std::size_t at = lines.find("\r\n" + std::string(name) + ": ");
    if (at == std::string::npos) return {};
    const std::size_t begin = at + name.size() + 4;
    return lines.substr(begin, lines.find("\r\n", begin) - begin);
  }
};

inline Answer parse_answer(const std::string& bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (bytes.size() < 12 || end == std::string::npos) return {};
  return {std::stoi(bytes.substr(9, 3)), bytes.substr(0, end + 2), bytes.substr(end + 4)};
}

// The text at a path like "error.param"; "null" and numbers as they are written; "" where there is nothing.
inline std::string text_at(const std::string& json, std::string_view path) {
  json::Document document;
  auto value = document.parse(json);
  if (!value) return {};
  while (!path.empty()) {
    const std::string_view step = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), step.size() + 1));
    std::optional<json::Value> next;
    if (value->kind() == json::Kind::array) {
      std::size_t left = std::stoul(std::string(step));
      for (const json::Value item : value->items())
        if (left-- == 0) next = item;
    } else {
      next = value->find(step);
    }
    if (!next) return {};
    *value = *next;
  }
  return value->text().value_or(std::string(value->raw()));
}

}  // namespace faelled::portal
