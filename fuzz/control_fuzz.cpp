// What the control API reads before it knows who asks: query, cookie, times and bodies. The input is one line of query,
// one of cookie, then a body.
#include <cstdlib>
#include <string>

#include "base/time_text.hpp"
#include "http/message.hpp"
#include "json/document.hpp"
#include "json/fields.hpp"
#include "portal/cookie.hpp"
#include "portal/render.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::string_view line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view out = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  using namespace faelled;
  std::string_view text(reinterpret_cast<const char*>(data), bytes);
  const std::string_view query = line(text), cookie = line(text);
  for (const char* name : {"from", "to", "member", "after", "limit", "q", ""})
    require(http::query_value(query, name).size() <= query.size());
  require(portal::session_cookie(cookie).size() <= cookie.size());
  static json::Document document;
  const auto root = document.parse(text);
  if (!root) return 0;
  auto fields = json::Fields::of(*root);
  if (!fields) return 0;
  auto member = fields->maybe_text("member");
  auto name = fields->text("name");
  auto expires = fields->maybe_text("expires_at");
  (void)fields->maybe_boolean("on");
  (void)fields->maybe_integer("days", 0, 3650);
  if (auto models = fields->maybe_array("models"); models && *models)
    for (const json::Value model : (*models)->items()) (void)model.text();
  if (auto more = fields->maybe_object("policy"); more && *more) (void)(*more)->finish();
  if (const auto all = fields->finish(); !all) require(!all.error().message.empty());
  if (!expires || !*expires) return 0;
  if (const auto time = parse_time(**expires)) {
    const auto again = parse_time(time_text(*time));
    require(again && *again == *time);
  }
  return 0;
}
