// How an answer with one thing or a list of them is put together. Pure.
#pragma once

#include <string>
#include <string_view>

#include "json/writer.hpp"
#include "portal/paging.hpp"

namespace faelled::portal {

template <class Write>
std::string one_json(Write write) {
  std::string body;
  json::Writer out(body);
  write(out);
  return body;
}

template <class Rows, class Write>
std::string list_json(std::string_view name, const Rows& rows, Write write) {
  return one_json([&](json::Writer& out) {
    out.object().key(name).array();
    for (const auto& row : rows) write(out, row);
    out.close_array().close_object();
  });
}

template <class Row, class Write>
std::string page_json(std::string_view name, const Page<Row>& page, Write write) {
  return one_json([&](json::Writer& out) {
    out.object().key(name).array();
    for (const Row& row : page.rows) write(out, row);
    out.close_array().member_or_null("next", page.next).member("total", page.total).close_object();
  });
}

}  // namespace faelled::portal
