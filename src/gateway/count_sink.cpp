#include "gateway/count_sink.hpp"

#include <fmt/format.h>

#include "gateway/http_sink.hpp"
#include "gateway/messages_sink.hpp"
#include "openai/anthropic/translate.hpp"
#include "openai/responses/translate.hpp"

namespace faelled::gateway {

void CountSink::whole(std::string_view json, const AnswerTimes& times) {
  std::string lines = headers(times, "application/json");
  if (wire_ == Wire::anthropic) return reply_.send(200, lines + fmt::format("request-id: {}\r\n", request_id_), json);
  reply_.send(200, lines, fmt::format(R"({{"object":"response.input_tokens",{})", json.substr(1)));
}

void CountSink::fail(const openai::ApiError& error) {
  if (wire_ == Wire::anthropic)
    return send_anthropic_error(reply_, openai::anthropic::in_own_names(error), request_id_);
  send_error(reply_, openai::responses::in_own_names(error), request_id_);
}

}  // namespace faelled::gateway
