// What a translation into a chat body must hold, whatever came in.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

#include "openai/request.hpp"
#include "openai/upstream_body_testing.hpp"

namespace faelled::fuzz {

inline int refused(const openai::ApiError& error) {
  json::Document document;
  if (error.status() != 400 || error.message.empty() || !document.parse(openai::error_body(error))) std::abort();
  return 0;
}

inline int translated(std::string chat_body, openai::ApiError (*in_own_names)(openai::ApiError)) {
  static json::Document document;
  if (!document.parse(chat_body)) std::abort();
  const auto request = openai::Request::parse(openai::Endpoint::chat, std::move(chat_body), document);
  if (!request) return refused(in_own_names(request.error()));
  const std::string fault = openai::fault_of_upstream_body(*request);
  if (fault.empty()) return 0;
  std::fprintf(stderr, "%s\n", fault.c_str());
  std::abort();
}

}  // namespace faelled::fuzz
