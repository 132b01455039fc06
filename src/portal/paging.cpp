#include "portal/paging.hpp"

#include <fmt/format.h>

#include "base/whole_number.hpp"
#include "http/message.hpp"

namespace faelled::portal {

Expected<std::size_t> limit_of(std::string_view query, std::size_t otherwise, std::size_t max) {
  const std::string text = http::query_value(query, "limit");
  if (text.empty()) return otherwise;
  const auto limit = whole_number<std::size_t>(text);
  if (!limit || *limit < 1 || *limit > max)
    return fail(Errc::invalid, fmt::format("limit is a whole number from 1 to {}", max));
  return *limit;
}

Expected<std::optional<CsvForm>> form_of(std::string_view query) {
  const std::string format = http::query_value(query, "format");
  if (format == "csv") return CsvForm::plain;
  if (format == "excel") return CsvForm::excel;
  if (format.empty() || format == "json") return std::nullopt;
  return fail(Errc::invalid, "format is json, csv or excel");
}

std::string folded(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto c = static_cast<unsigned char>(out[i]);
    if (c >= 'A' && c <= 'Z') out[i] = static_cast<char>(c + 0x20);
    // U+00C0 to U+00DE, without ×: the second byte of their UTF-8 form is 0x20 below that of the small letter.
    const bool latin = i > 0 && static_cast<unsigned char>(out[i - 1]) == 0xC3 && c >= 0x80 && c <= 0x9E && c != 0x97;
    if (latin) out[i] = static_cast<char>(c + 0x20);
  }
  return out;
}

}  // namespace faelled::portal
