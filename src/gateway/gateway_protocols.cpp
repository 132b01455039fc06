// /v1/responses and Anthropic's /v1/messages: a body of theirs becomes a chat body, runs as a chat does, and its answer
// is told by a sink of their own.
#include <fmt/format.h>

#include "base/whole_number.hpp"
#include "gateway/count_sink.hpp"
#include "gateway/gateway.hpp"
#include "gateway/messages_sink.hpp"
#include "gateway/paths.hpp"
#include "gateway/responses_sink.hpp"
#include "openai/answer.hpp"
#include "openai/anthropic/models.hpp"

namespace faelled::gateway {

using openai::ApiError;
using openai::Cause;

net::Task<void> Gateway::responses(const http::Request& request, http::Reply& reply, members::Caller caller,
                                   std::string request_id) {
  const bool counting = request.path == "/v1/responses/input_tokens";
  if (!counting && request.path != "/v1/responses") {
    reject(reply,
           {Cause::not_found,
            "Responses are not stored here, so none can be fetched, cancelled, compacted or deleted afterwards."},
           request_id, Wire::openai);
    co_return;
  }
  if (!takes_json(request, reply, request_id, Wire::openai)) co_return;
  caller.show_waiting = store::ShowWaiting::off;  // its stream has events of its own for that
  auto asked = openai::responses::translate(request.body, context_.document, counting);
  if (!asked) co_return reject(reply, asked.error(), request_id, Wire::openai);
  if (counting) {
    CountSink sink(reply, request_id, Wire::openai);
    co_return co_await run(openai::Endpoint::chat, std::move(caller), std::move(asked->chat_body), request_id,
                           traceparent_of(request), sink, true);
  }
  ResponsesSink sink(reply, request_id, *asked, context_.document, context_.clock);
  co_await run(openai::Endpoint::chat, std::move(caller), std::move(asked->chat_body), request_id,
               traceparent_of(request), sink);
}

net::Task<void> Gateway::messages(const http::Request& request, http::Reply& reply, members::Caller caller,
                                  std::string request_id) {
  const bool counting = request.path == "/v1/messages/count_tokens";
  if (!counting && request.path != "/v1/messages") {
    reject(reply, {Cause::not_found, fmt::format("There is no {} here.", request.path.substr(0, 100))}, request_id,
           Wire::anthropic);
    co_return;
  }
  if (!takes_json(request, reply, request_id, Wire::anthropic)) co_return;
  caller.show_waiting = store::ShowWaiting::off;  // its stream has pings
  auto asked = openai::anthropic::translate(request.body, context_.document, counting);
  if (!asked) co_return reject(reply, asked.error(), request_id, Wire::anthropic);
  if (counting) {
    CountSink sink(reply, request_id, Wire::anthropic);
    co_return co_await run(openai::Endpoint::chat, std::move(caller), std::move(asked->chat_body), request_id,
                           traceparent_of(request), sink, true);
  }
  MessagesSink sink(reply, request_id, *asked, context_.document);
  co_await run(openai::Endpoint::chat, std::move(caller), std::move(asked->chat_body), request_id,
               traceparent_of(request), sink);
}

void Gateway::anthropic_models(const members::Caller& caller, const http::Request& request, http::Reply& reply,
                               std::string_view request_id) {
  const WallTime created = context_.catalogue.created();
  std::string body;
  if (const std::string id = model_of(request.path); !id.empty()) {
    if (!may(caller, context_.catalogue.asked(id)))
      return reject(reply, not_found(caller, id), request_id, Wire::anthropic);
    openai::anthropic::append_model(body, id, created);
  } else {
    openai::anthropic::Page page{.after_id = http::query_value(request.query, "after_id"),
                                 .before_id = http::query_value(request.query, "before_id")};
    if (const std::string limit = http::query_value(request.query, "limit"); !limit.empty()) {
      page.limit = whole_number<std::size_t>(limit).value_or(0);
      if (page.limit < 1 || page.limit > 1000)
        return reject(reply, {Cause::invalid_value, "'limit' must be from 1 to 1000.", "limit"}, request_id,
                      Wire::anthropic);
    }
    openai::anthropic::append_model_list(body, names_for(caller), created, page);
  }
  reply.send(200,
             fmt::format("Content-Type: application/json\r\nx-request-id: {0}\r\nrequest-id: {0}\r\n"
                         "Cache-Control: no-store\r\n",
                         request_id),
             body);
}

}  // namespace faelled::gateway
