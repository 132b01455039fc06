// What every body for an engine must be, whatever the client sent. Shared by the mutation test and the fuzz target.
#pragma once

#include <string>

#include "json/document.hpp"
#include "openai/request.hpp"

namespace faelled::openai {

// Empty where the body holds; else what is wrong with it.
inline std::string fault_of_upstream_body(const Request& request) {
  const std::string own_stop[] = {"\nPerson:"};
  std::string body;
  request.append_upstream_body(body, {.model = "engine's \"own\" name", .stop = own_stop});
  body += '}';
  json::Document document;
  const auto root = document.parse(body);
  if (!root) return "not JSON: " + root.error().message;
  for (const auto [name, value] : root->members()) {
    const std::string text = *name.text();
    const Field* field = find_field(text);
    if (!field) return "unknown field " + text;
    const Fate fate = field->fate(request.endpoint);
    if (fate != Fate::passed && fate != Fate::ours) return "field that must not pass: " + text;
    if (value.is_null()) return "null passed: " + text;
    if (text != "messages") continue;
    for (const json::Value message : value.items()) {
      for (const auto [key, content] : message.members()) {
        if (!key.text_is("role") && !key.text_is("content") && !key.text_is("name"))
          return "foreign member in a message";
        for (const json::Value part : content.items()) {
          if (part.count() != 2 || !part.find("type")->text_is("text")) return "foreign member in a part";
        }
      }
    }
  }
  if (!root->find("model")->text_is("engine's \"own\" name")) return "the engine's name for the model is missing";
  if (request.stream && request.endpoint != Endpoint::embeddings) {
    const auto options = root->find("stream_options");
    if (!options || options->find("include_usage")->boolean() != true) return "usage is not asked for";
  }
  return {};
}

}  // namespace faelled::openai
