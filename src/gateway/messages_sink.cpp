#include "gateway/messages_sink.hpp"

#include <fmt/format.h>

#include "base/limits.hpp"
#include "gateway/http_sink.hpp"
#include "openai/anthropic/error.hpp"
#include "openai/chat_piece.hpp"

namespace faelled::gateway {

void send_anthropic_error(http::Reply& reply, const openai::ApiError& error, std::string_view request_id,
                          std::string_view more) {
  reply.send(error.status(),
             error_headers(error, request_id).append(fmt::format("request-id: {}\r\n{}", request_id, more)),
             openai::anthropic::error_body(error, request_id));
}

MessagesSink::MessagesSink(http::Reply& reply, std::string_view request_id, const openai::anthropic::Asked& asked,
                           json::Document& document)
    : ReplySink(reply, request_id),
      document_(document),
      message_(number_of(request_id), asked.model, asked.prompt_tokens_estimate, asked.thinking) {}

std::string MessagesSink::own_headers(const AnswerTimes& times, std::string_view content_type) const {
  return headers(times, content_type) + fmt::format("request-id: {}\r\n", request_id_);
}

void MessagesSink::send() {
  reply_.write(frames_);
  frames_.clear();
}

void MessagesSink::whole(std::string_view json, const AnswerTimes& times) {
  const openai::ChatPiece piece = openai::read_chat_piece(json, document_);
  message_.append_whole(piece, document_, frames_);
  reply_.send(200, own_headers(times, "application/json"), frames_);
}

void MessagesSink::fail(const openai::ApiError& error) {
  send_anthropic_error(reply_, openai::anthropic::in_own_names(error), request_id_);
}

void MessagesSink::open(const AnswerTimes& times) {
  reply_.begin(200, own_headers(times, "text/event-stream; charset=utf-8"));
}

void MessagesSink::event(std::string_view data) {
  message_.add(openai::read_chat_piece(data, document_), frames_);
  if (!frames_.empty()) send();
}

void MessagesSink::keep_alive(const rpc::Waiting*) {
  if (!reply_.begun()) open({});
  openai::anthropic::Message::ping(frames_);
  send();
  reply_.flush();
}

void MessagesSink::done() {
  message_.done(frames_);
  send();
  reply_.finish();
}

void MessagesSink::broken(const openai::ApiError& error) {
  frames_ += "event: error\ndata: ";
  frames_ += openai::anthropic::error_body(openai::anthropic::in_own_names(error), request_id_);
  frames_ += "\n\n";
  send();
  reply_.finish();
}

// An answer that outgrows what may be kept is given up like one that is not read.
bool MessagesSink::congested() const {
  return ReplySink::congested() || message_.bytes() > limits::upstream_body_bytes_max;
}

}  // namespace faelled::gateway
