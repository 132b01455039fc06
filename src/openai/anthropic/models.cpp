#include "openai/anthropic/models.hpp"

#include <algorithm>
#include <cstdio>

#include "json/writer.hpp"

namespace faelled::openai::anthropic {
namespace {

// RFC 3339, in UTC, to the second.
std::string timestamp(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  char text[64];
  const int chars = std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                                  static_cast<int>(clock.seconds().count()));
  return {text, static_cast<std::size_t>(chars)};
}

void write_model(json::Writer& writer, std::string_view id, WallTime created) {
  writer.object().member("type", "model").member("id", id).member("display_name", id);
  writer.member("created_at", timestamp(created)).member("lifecycle", "active").close_object();
}

}  // namespace

void append_model(std::string& out, std::string_view id, WallTime created) {
  json::Writer writer(out);
  write_model(writer, id, created);
}

void append_model_list(std::string& out, std::span<const std::string> ids, WallTime created, const Page& page) {
  std::size_t first = 0, last = ids.size();
  bool has_more = false;
  const auto place = [&](const std::string& id) {
    return static_cast<std::size_t>(std::ranges::find(ids, id) - ids.begin());
  };
  if (!page.after_id.empty()) {
    const std::size_t at = place(page.after_id);
    if (at < ids.size()) first = at + 1;
  } else if (!page.before_id.empty()) {
    last = place(page.before_id);
    first = last > page.limit ? last - page.limit : 0;
    has_more = first > 0;
  }
  if (last - first > page.limit) {
    last = first + page.limit;
    has_more = true;
  }
  json::Writer writer(out);
  writer.object().key("data").array();
  for (const std::string& id : ids.subspan(first, last - first)) write_model(writer, id, created);
  writer.close_array().member("has_more", has_more);
  writer.member_or_null("first_id", first < last ? ids[first] : "");
  writer.member_or_null("last_id", first < last ? ids[last - 1] : "").close_object();
}

}  // namespace faelled::openai::anthropic
