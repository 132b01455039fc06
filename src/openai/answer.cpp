#include "openai/answer.hpp"

#include <bit>
#include <cmath>
#include <vector>

#include "json/writer.hpp"
#include "openai/choices.hpp"
#include "openai/members.hpp"
#include "openai/ranking.hpp"

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

// The first `dimensions` of a vector, brought to length 1 again: of models that were made for it (Matryoshka), the
// beginning of a vector is a vector of the same kind.
void shorten(std::vector<float>& vector, std::uint32_t dimensions) {
  vector.resize(dimensions);
  double square = 0;
  for (const float x : vector) square += static_cast<double>(x) * x;
  const double length = std::sqrt(square);
  if (length > 0) {
    for (float& x : vector) x = static_cast<float>(x / length);
  }
}

// Writes one vector the way the client asked for it; false where it is none, or too short.
bool append_vector(json::Writer& writer, Value vector, bool base64, std::uint32_t dimensions) {
  if (vector.kind() == Kind::text) {  // the engine speaks base64 itself
    writer.raw(vector.raw());
    return base64 && dimensions == 0;
  }
  if (vector.kind() != Kind::array || vector.is_empty()) return false;
  std::vector<float> numbers;
  for (const Value item : vector.items()) {
    const auto number = item.number();
    if (!number) return false;
    numbers.push_back(static_cast<float>(*number));
  }
  if (dimensions > numbers.size()) return false;
  if (dimensions > 0) shorten(numbers, dimensions);
  if (!base64) {
    if (dimensions == 0) {
      writer.raw(vector.raw());
      return true;
    }
    writer.array();
    for (const float x : numbers) writer.number(static_cast<double>(x));
    writer.close_array();
    return true;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float));
  std::string quoted = "\"";
  append_base64(quoted, bytes);
  quoted += '"';
  writer.raw(quoted);
  return true;
}

// How many numbers the engine's vectors have; 0: unknown.
std::size_t dimensions_of(Value data) {
  if (data.kind() != Kind::array || data.is_empty()) return 0;
  const auto vector = (*data.items().begin()).find("embedding");
  return vector && vector->kind() == Kind::array ? vector->count() : 0;
}

ApiError too_few_dimensions(std::size_t there) {
  return {.cause = Cause::invalid_value,
          .message = "This model's vectors have " + std::to_string(there) + " dimensions.",
          .param = "dimensions",
          .retry_after = {}};
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
    if (!append_vector(writer, *vector, request.base64, request.form.dimensions)) return false;
    writer.member("index", place ? place->integer().value_or(number) : number).close_object();
    ++number;
  }
  writer.close_array();
  return true;
}

// Says "stop" without having called the tool that it had to call: an engine whose model does not know tools.
bool forgot_its_call(Value choice) {
  const auto reason = choice.find("finish_reason"), message = choice.find("message");
  const auto calls = message ? message->find("tool_calls") : std::nullopt;
  return reason && reason->text_is("stop") && (!calls || calls->is_null() || calls->is_empty());
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
  if (request.endpoint == Endpoint::rerank) return rewrite_ranking(*root, request, public_model);
  Answer answer;
  answer.body.reserve(engine_body.size() + 64);
  json::Writer writer(answer.body);
  writer.object();
  bool has_content = false;
  for (const auto [name, value] : root->members()) {
    std::string unescaped;
    switch (answer_member(name.text_view(unescaped))) {
      case AnswerMember::plain:
        append_plain(writer, name.text_view(unescaped), value, request.form);
        break;
      case AnswerMember::model:
        writer.member("model", public_model);
        break;
      case AnswerMember::usage:
        answer.usage = read_usage(value);
        writer.key("usage").raw(value.raw());
        break;
      case AnswerMember::choices:
        if (request.endpoint != Endpoint::chat && request.endpoint != Endpoint::completions) break;
        if (value.count() != 1 || !is_choice(*value.items().begin(), request.endpoint)) {
          return std::unexpected(broken("does not hold the one choice that was asked for"));
        }
        if (request.form.must_call_a_tool && forgot_its_call(*value.items().begin()))
          return std::unexpected(broken("does not call the tool that was required"));
        writer.key("choices");
        if (request.form.rewrites_choices()) {
          std::size_t text_offset = 0;
          append_choices(writer, value, request.endpoint, request.form, "message", text_offset);
        } else {
          writer.raw(value.raw());
        }
        has_content = true;
        break;
      case AnswerMember::data:
        if (request.endpoint != Endpoint::embeddings) break;
        if (const std::size_t there = dimensions_of(value); there > 0 && request.form.dimensions > there)
          return std::unexpected(too_few_dimensions(there));
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
  append_tier(writer, request.form);
  writer.close_object();
  return answer;
}

std::string merge_answers(std::span<const std::string> bodies, const Usage& sum, json::Document& document) {
  std::string choices;
  for (const std::string& body : bodies) {
    const auto root = document.parse(body);
    const auto own = root ? root->find("choices") : std::nullopt;
    for (const Value choice : own.value_or(Value()).items()) {
      if (!choices.empty()) choices += ',';
      choices += choice.raw();
    }
  }
  std::string out;
  json::Writer writer(out);
  writer.object();
  const auto first = document.parse(bodies.front());
  std::string scratch;
  for (const auto [name, value] : first->members()) {
    if (name.text_is("choices")) {
      writer.member_raw("choices", "[" + choices + "]");
    } else if (!name.text_is("usage")) {
      writer.member_raw(name.text_view(scratch), value.raw());
    }
  }
  if (sum.known) append_usage(writer, sum);
  writer.close_object();
  return out;
}

std::string usage_chunk(const Request& request, std::string_view id, std::string_view public_model,
                        std::int64_t created_s, const Usage& sum) {
  std::string out;
  json::Writer writer(out);
  writer.object().member("id", id);
  writer.member("object", request.endpoint == Endpoint::chat ? "chat.completion.chunk" : "text_completion");
  writer.member("created", created_s).member("model", public_model).key("choices").array().close_array();
  append_usage(writer, sum);
  append_tier(writer, request.form);
  writer.close_object();
  return out;
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
