#include "table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "json/document.hpp"

namespace faelled::app {
namespace {

// Columns as wide as people see them: a UTF-8 continuation byte takes no room.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::string table_of(const std::string& json, std::string_view list, const std::vector<std::string>& columns,
                     bool heading) {
  json::Document document;
  auto root = document.parse(json);
  const auto rows = root ? root->find(list) : std::nullopt;
  if (!rows) return {};
  std::vector<std::vector<std::string>> lines;
  std::vector<bool> right(columns.size(), false);
  if (heading) lines.push_back(columns);
  for (const json::Value row : rows->items()) {
    std::vector<std::string>& line = lines.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto value = row.find(columns[i]);
      if (!value || value->is_null()) {
        line.emplace_back("-");
      } else {
        right[i] = right[i] || value->kind() == json::Kind::number;
        line.push_back(value->text().value_or(std::string(value->raw())));
      }
    }
  }
  std::vector<std::size_t> widths(columns.size(), 0);
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width_of(line[i]));
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string pad(widths[i] - width_of(line[i]), ' ');
      text += (i == 0 ? "" : "  ") + (right[i] ? pad + line[i] : line[i] + pad);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

std::string csv_of(const std::string& json, std::string_view list, const std::vector<std::string>& columns,
                   bool heading, portal::CsvForm form) {
  json::Document document;
  auto root = document.parse(json);
  const auto rows = root ? root->find(list) : std::nullopt;
  if (!rows) return {};
  const char separator = form == portal::CsvForm::excel ? ';' : ',';
  std::string out(heading ? portal::csv_mark(form) : "");
  const auto add_line = [&](const auto& field_of) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) out += separator;
      out += field_of(columns[i]);
    }
    out += "\r\n";
  };
  if (heading) add_line([](const std::string& column) { return column; });
  for (const json::Value row : rows->items())
    add_line([&](const std::string& column) -> std::string {
      const auto value = row.find(column);
      if (!value || value->is_null()) return {};
      if (value->kind() == json::Kind::number) return std::string(value->raw());
      return portal::csv_field(value->text().value_or(std::string(value->raw())), separator);
    });
  return out;
}

}  // namespace faelled::app
