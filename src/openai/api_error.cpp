#include "openai/api_error.hpp"

#include <algorithm>
#include <array>

#include "base/check.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"

namespace faelled::openai {
namespace {

constexpr const char* request_type = "invalid_request_error";
constexpr const char* server_type = "server_error";

// Never "insufficient_quota": to an SDK and its user it means "pay".
constexpr CauseRow rows[] = {
    {Cause::invalid_json, 400, request_type, "invalid_json", false, 0, "Forespørgslen er ikke gyldig JSON."},
    {Cause::invalid_value, 400, request_type, "invalid_value", false, 0,
     "Et felt i forespørgslen har en ugyldig værdi."},
    {Cause::missing_value, 400, request_type, "missing_required_parameter", false, 0,
     "Et felt mangler i forespørgslen."},
    {Cause::unsupported_parameter, 400, request_type, "unsupported_parameter", false, 0,
     "Et felt i forespørgslen understøttes ikke endnu."},
    {Cause::unsupported_value, 400, request_type, "unsupported_value", false, 0,
     "Et felt i forespørgslen har en værdi, der ikke understøttes endnu."},
    {Cause::context_length_exceeded, 400, request_type, "context_length_exceeded", false, 0,
     "Teksten er for lang til modellen."},
    {Cause::body_too_large, 413, request_type, "request_too_large", false, 0, "Forespørgslen er for stor."},
    {Cause::method_not_allowed, 405, request_type, "method_not_allowed", false, 0,
     "Adressen kan ikke bruges på den måde."},
    {Cause::wrong_content_type, 415, request_type, "unsupported_media_type", false, 0, "Forespørgslen skal være JSON."},
    {Cause::request_timeout, 408, request_type, "request_timeout", true, 0, "Forespørgslen kom ikke frem i tide."},
    {Cause::missing_api_key, 401, request_type, "missing_api_key", false, 0, "Der mangler en nøgle."},
    {Cause::invalid_api_key, 401, request_type, "invalid_api_key", false, 0,
     "Nøglen er forkert, udløbet eller tilbagekaldt."},
    {Cause::invalid_user_token, 401, request_type, "invalid_user_token", false, 0,
     "Det fremgår ikke, hvem der spørger: brugerens billet mangler, er ugyldig eller udløbet."},
    {Cause::forbidden, 403, "permission_error", "forbidden", false, 0, "Det har du ikke adgang til."},
    {Cause::model_not_found, 404, request_type, "model_not_found", false, 0, "Modellen findes ikke."},
    {Cause::not_found, 404, request_type, "not_found", false, 0, "Det findes ikke."},
    {Cause::conflict, 409, request_type, "conflict", false, 0, "Noget er ændret i mellemtiden."},
    {Cause::queue_full, 429, "rate_limit_error", "rate_limit_exceeded", true, 5, "Køen er fuld. Prøv igen om lidt."},
    {Cause::waited_too_long, 429, "rate_limit_error", "rate_limit_exceeded", true, 15,
     "Ventetiden blev for lang. Prøv igen om lidt."},
    {Cause::model_unavailable, 503, server_type, "model_unavailable", true, 30,
     "Modellen er ikke til rådighed lige nu."},
    {Cause::shutting_down, 503, server_type, "shutting_down", true, 5, "Tjenesten genstarter. Prøv igen om lidt."},
    {Cause::maintenance, 503, server_type, "maintenance", true, 60,
     "Fælled er lukket for vedligehold. Prøv igen om lidt."},
    {Cause::overloaded, 503, server_type, "overloaded", true, 1,
     "Der er for mange på én gang lige nu. Prøv igen om lidt."},
    {Cause::store_unavailable, 503, server_type, "store_unavailable", true, 5,
     "Tjenesten kan ikke nå sine data lige nu. Prøv igen om lidt."},
    {Cause::engine_failed, 502, server_type, "engine_failed", true, 1, "Svaret blev afbrudt af en fejl. Prøv igen."},
    {Cause::engine_timeout, 504, server_type, "engine_timeout", false, 0, "Svaret tog for lang tid."},
    {Cause::internal, 500, server_type, "internal_error", true, 1, "Der skete en fejl hos os."},
};

constexpr bool rows_in_order() {
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    if (rows[i].cause != static_cast<Cause>(i)) return false;
  }
  return std::size(rows) == static_cast<std::size_t>(last_cause) + 1;
}
static_assert(rows_in_order(), "row_of() takes the cause as an index");

constexpr std::size_t engine_words_max = 500;

struct EngineWords {
  std::string message;
  bool context_exceeded = false;
};

bool is_about_context(json::Value error, std::string_view message) {
  if (const auto type = error.find("type"); type && type->text_is("exceed_context_size_error")) return true;
  if (const auto code = error.find("code"); code && code->text_is("context_length_exceeded")) return true;
  constexpr std::string_view phrases[] = {"maximum context length", "context size has been exceeded",
                                          "Context size has been exceeded", "exceeds the available context size"};
  return std::ranges::any_of(phrases, [&](auto phrase) { return message.contains(phrase); });
}

EngineWords words_of(std::string_view body) {
  json::Document document;  // rare: a buffer of its own keeps the caller's document as it is
  const auto root = document.parse(body);
  if (!root) return {};
  const auto member = root->find("error");
  const json::Value error = member ? *member : *root;
  EngineWords words;
  if (const auto plain = error.text()) words.message = *plain;
  if (const auto message = error.find("message")) words.message = message->text().value_or("");
  words.context_exceeded = is_about_context(error, words.message);
  const auto prompt = error.find("n_prompt_tokens"), context = error.find("n_ctx");
  if (words.context_exceeded && prompt && prompt->integer() && context && context->integer()) {
    words.message = "The prompt has " + std::to_string(*prompt->integer()) + " tokens; this model takes " +
                    std::to_string(*context->integer()) + " tokens for prompt and answer together.";
  }
  if (words.message.size() > engine_words_max) words.message.resize(engine_words_max);
  return words;
}

}  // namespace

const CauseRow& row_of(Cause cause) {
  const auto index = static_cast<std::size_t>(cause);
  FAELLED_CHECK(index < std::size(rows), "a cause is one of the enumerators");
  return rows[index];
}

std::string_view should_retry_header(const ApiError& error) {
  return row_of(error.cause).should_retry ? "true" : "false";
}

std::optional<std::int64_t> retry_after_header_s(const ApiError& error) {
  const CauseRow& row = row_of(error.cause);
  const auto wanted = std::chrono::ceil<std::chrono::seconds>(error.retry_after);
  const auto wait = wanted.count() > 0 ? wanted : std::chrono::seconds(row.retry_after_s);
  if (!row.should_retry || wait.count() <= 0) return std::nullopt;
  return std::min(wait, retry_after_max).count();
}

void append_error_body(std::string& out, const ApiError& error) {
  const CauseRow& row = row_of(error.cause);
  json::Writer(out)
      .object()
      .key("error")
      .object()
      .member("message", error.message)
      .member("type", row.type)
      .member_or_null("param", error.param)
      .member_or_null("code", row.code ? row.code : "")
      .member("message_da", error.danish())
      .close_object()
      .close_object();
}

std::string error_body(const ApiError& error) {
  std::string out;
  append_error_body(out, error);
  return out;
}

Cause cause_of(Errc code) {
  switch (code) {
    case Errc::invalid:
      return Cause::invalid_value;
    case Errc::unauthorized:
      return Cause::invalid_api_key;
    case Errc::forbidden:
      return Cause::forbidden;
    case Errc::not_found:
      return Cause::not_found;
    case Errc::exists:
    case Errc::conflict:
      return Cause::conflict;
    case Errc::too_large:
      return Cause::body_too_large;
    case Errc::exhausted:
      return Cause::queue_full;
    case Errc::unavailable:
      return Cause::store_unavailable;
    case Errc::timeout:
      return Cause::engine_timeout;
    case Errc::cancelled:
      return Cause::shutting_down;
    case Errc::incompatible:
    case Errc::io:
    case Errc::internal:
      return Cause::internal;
  }
  return Cause::internal;
}

ApiError api_error_of(const Error& error) {
  ApiError out{.cause = cause_of(error.code), .message = error.message, .param = {}, .retry_after = {}};
  if (!error.hint.empty()) out.message += " " + error.hint;
  return out;
}

ApiError engine_error(int status, std::string_view body) {
  const auto with = [](Cause cause, std::string message) {
    return ApiError{.cause = cause, .message = std::move(message), .param = {}, .retry_after = {}};
  };
  EngineWords words = words_of(body);
  if (words.context_exceeded && (status == 0 || status == 400 || status == 413 || status == 422)) {
    return with(Cause::context_length_exceeded, std::move(words.message));
  }
  switch (status) {
    case 0:
      return with(Cause::engine_failed, "The engine broke the answer off.");
    case 400:
    case 422:
      return with(Cause::invalid_value, words.message.empty() ? "The engine refused the request."
                                                              : "The engine refused the request: " + words.message);
    case 413:
      return with(Cause::body_too_large, "The request is too large for the engine.");
    case 408:
    case 504:
      return with(Cause::engine_timeout, "The engine did not answer in time.");
    case 429:
    case 503:
      return with(Cause::model_unavailable, "The engine takes no request right now.");
    default:
      return with(Cause::engine_failed, "The engine failed (status " + std::to_string(status) + ").");
  }
}

}  // namespace faelled::openai
