// response_format: text, any JSON object, or what a schema says.
#include "base/limits.hpp"
#include "json/writer.hpp"
#include "openai/request_parser.hpp"
#include "openai/schema_bounds.hpp"

namespace faelled::openai {

using json::Kind;
using json::Value;

bool RequestParser::read_response_format(const Field& field, Value value) {
  if (value.kind() != Kind::object) return wrong_kind("response_format", "an object", value);
  const auto type = value.find("type");
  if (!type) return refuse(Cause::missing_value, "response_format.type", "'response_format' must have a type.");
  if (type->text_is("text")) return true;
  if (request_.endpoint != Endpoint::chat) return refuse_unless_idle(field, value);
  request_.formatted = true;
  if (type->text_is("json_object")) {
    request_.response_format_ = R"({"type":"json_object"})";
    return true;
  }
  if (!type->text_is("json_schema")) {
    return refuse(type->kind() == Kind::text ? Cause::unsupported_value : Cause::invalid_value, "response_format.type",
                  "The type of 'response_format' must be text, json_object or json_schema.");
  }
  const auto wrapper = value.find("json_schema");
  if (!wrapper || wrapper->kind() != Kind::object)
    return refuse(Cause::missing_value, "response_format.json_schema", "'json_schema' must be there, an object.");
  return read_json_schema(*wrapper);
}

bool RequestParser::read_json_schema(Value wrapper) {
  const std::string path = "response_format.json_schema";
  const auto name = wrapper.find("name"), schema = wrapper.find("schema"), strict = wrapper.find("strict");
  if (!name || name->kind() != Kind::text || name->is_empty() || name->raw().size() > limits::name_bytes_max)
    return refuse(Cause::missing_value, path + ".name",
                  "A schema must have a name of 1 to " + std::to_string(limits::name_bytes_max) + " bytes.");
  if (!schema || schema->is_null()) return refuse(Cause::missing_value, path + ".schema", "The schema is missing.");
  if (strict && !strict->is_null() && !strict->boolean()) return wrong_kind(path + ".strict", "true or false", *strict);
  SchemaBounds bounds(*schema, path + ".schema");
  if (auto fault = bounds.check()) return refuse(Cause::invalid_value, std::move(fault->path), std::move(fault->what));
  const bool must_hold = strict && strict->boolean() == true;
  if (const auto& left_out = bounds.unenforced(); must_hold && left_out) {
    request_.unenforced =
        ApiError{.cause = Cause::unsupported_value,
                 .message = "The engine cannot hold an answer to this part of a strict schema: " + left_out->what +
                            ". Leave it out, or set 'strict' to false.",
                 .param = left_out->path,
                 .retry_after = {}};
  }
  json::Writer writer(request_.response_format_);
  writer.object().member("type", "json_schema").key("json_schema").object().member_raw("name", name->raw());
  writer.member_raw("schema", schema->raw());
  if (strict && !strict->is_null()) writer.member("strict", must_hold);
  writer.close_object().close_object();
  text_bytes_ += schema->raw().size();
  return true;
}

}  // namespace faelled::openai
