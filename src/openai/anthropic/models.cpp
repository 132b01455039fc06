#include "openai/anthropic/models.hpp"

#include <algorithm>

#include "base/time_text.hpp"
#include "json/writer.hpp"

namespace faelled::openai::anthropic {
namespace {

// To the second, as Anthropic's API tells it.
std::string timestamp(WallTime time) { return time_text(time).substr(0, sizeof "2026-11-23T16:33:07" - 1) + "Z"; }

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
