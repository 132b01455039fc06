#include "openai/answer.hpp"

#include <bit>

#include "json/writer.hpp"
#include "openai/members.hpp"

namespace faelled::openai {
namespace {

using json::Kind;
using json::Value;

static_assert(std::endian::native == std::endian::little, "base64 embeddings are little-endian float32");

void append_base64(std::string& out, std::string_view bytes) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u; };
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::uint32_t three = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    out += digits[three >> 18];
    out += digits[three >> 12 & 63];
    out += i + 1 < bytes.size() ? digits[three >> 6 & 63] : '=';
    out += i + 2 < bytes.size() ? digits[three & 63] : '=';
  }
}

ApiError broken(const char* what) {
  return {.cause = Cause::engine_failed,
          .message = std::string("The engine's answer ") + what + ".",
          .param = {},
          .retry_after = {}};
}

// Writes one vector the way the client asked for it; false where it is none.
bool append_vector(json::Writer& writer, Value vector, bool base64) {
  if (vector.kind() == Kind::text) {  // the engine speaks base64 itself
    writer.raw(vector.raw());
    return base64;
  }
  if (vector.kind() != Kind::array || vector.is_empty()) return false;
  std::string bytes;
  for (const Value item : vector.items()) {
    const auto number = item.number();
    if (!number) return false;
    const float narrow = static_cast<float>(*number);
    bytes.append(reinterpret_cast<const char*>(&narrow), sizeof narrow);
  }
  if (!base64) {
    writer.raw(vector.raw());
    return true;
  }
  std::string quoted = "\"";
  append_base64(quoted, bytes);
  quoted += '"';
  writer.raw(quoted);
  return true;
}

bool append_vectors(json::Writer& writer, Value data, const Request& request) {
  if (data.kind() != Kind::array || data.count() != request.inputs) return false;
  writer.key("data").array();
  std::uint32_t number = 0;
  for (const Value item : data.items()) {
    const auto vector = item.find("embedding");
    const auto place = item.find("index");
    if (!vector) return false;
    writer.object().member("object", "embedding").key("embedding");
    if (!append_vector(writer, *vector, request.base64)) return false;
    writer.member("index", place ? place->integer().value_or(number) : number).close_object();
    ++number;
  }
  writer.close_array();
  return true;
}

bool is_choice(Value choice, Endpoint endpoint) {
  const auto said = choice.find(endpoint == Endpoint::chat ? "message" : "text");
  return said && said->kind() == (endpoint == Endpoint::chat ? Kind::object : Kind::text);
}

}  // namespace

std::expected<Answer, ApiError> rewrite_answer(std::string_view engine_body, const Request& request,
                                               std::string_view public_model, json::Document& document) {
  const auto root = document.parse(engine_body);
  if (!root || root->kind() != Kind::object) return std::unexpected(broken("is not a JSON object"));
  if (const auto error = root->find("error"); error && !error->is_null()) {
    return std::unexpected(engine_error(0, engine_body));
  }
  Answer answer;
  answer.body.reserve(engine_body.size() + 64);
  json::Writer writer(answer.body);
  writer.object();
  bool has_content = false;
  for (const auto [name, value] : root->members()) {
    std::string unescaped;
    switch (answer_member(name.text_view(unescaped))) {
      case AnswerMember::plain:
        writer.key(name.text_view(unescaped)).raw(value.raw());
        break;
      case AnswerMember::model:
        writer.member("model", public_model);
        break;
      case AnswerMember::usage:
        answer.usage = read_usage(value);
        writer.key("usage").raw(value.raw());
        break;
      case AnswerMember::choices:
        if (request.endpoint == Endpoint::embeddings) break;
        if (value.count() != 1 || !is_choice(*value.items().begin(), request.endpoint)) {
          return std::unexpected(broken("does not hold the one choice that was asked for"));
        }
        writer.key("choices").raw(value.raw());
        has_content = true;
        break;
      case AnswerMember::data:
        if (request.endpoint != Endpoint::embeddings) break;
        if (!append_vectors(writer, value, request)) {
          return std::unexpected(broken("does not hold the vectors that were asked for"));
        }
        has_content = true;
        break;
      case AnswerMember::error:
      case AnswerMember::foreign:
        break;
    }
  }
  if (!has_content) return std::unexpected(broken("is empty"));
  writer.close_object();
  return answer;
}

void append_model(std::string& out, const ModelEntry& model) {
  json::Writer(out)
      .object()
      .member("id", model.id)
      .member("object", "model")
      .member("created", model.created_s)
      .member("owned_by", model.owned_by)
      .close_object();
}

void append_model_list(std::string& out, std::span<const ModelEntry> models) {
  out += R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (i > 0) out += ',';
    append_model(out, models[i]);
  }
  out += "]}";
}

}  // namespace faelled::openai
