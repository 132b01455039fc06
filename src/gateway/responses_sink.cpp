#include "gateway/responses_sink.hpp"

#include "base/limits.hpp"
#include "gateway/http_sink.hpp"
#include "openai/chat_piece.hpp"

namespace faelled::gateway {

ResponsesSink::ResponsesSink(http::Reply& reply, std::string_view request_id, const openai::responses::Asked& asked,
                             json::Document& document, const Clock& clock)
    : ReplySink(reply, request_id),
      document_(document),
      clock_(clock),
      response_(number_of(request_id), asked.model, asked.echo, unix_seconds(clock.wall())) {}

void ResponsesSink::send() {
  reply_.write(frames_);
  frames_.clear();
}

void ResponsesSink::whole(std::string_view json, const AnswerTimes& times) {
  response_.add(openai::read_chat_piece(json, document_), frames_);
  frames_.clear();  // nobody streams
  response_.append_whole(unix_seconds(clock_.wall()), frames_);
  reply_.send(200, headers(times, "application/json"), frames_);
}

void ResponsesSink::fail(const openai::ApiError& error) {
  send_error(reply_, openai::responses::in_own_names(error), request_id_);
}

void ResponsesSink::open(const AnswerTimes& times) {
  reply_.begin(200, headers(times, "text/event-stream; charset=utf-8"));
  response_.begin(frames_);
  send();
}

void ResponsesSink::event(std::string_view data) {
  response_.add(openai::read_chat_piece(data, document_), frames_);
  if (!frames_.empty()) send();
}

void ResponsesSink::keep_alive(const rpc::Waiting*) {
  if (!reply_.begun()) {
    open({});
  } else {
    response_.still(frames_);
    send();
  }
  reply_.flush();
}

void ResponsesSink::done() {
  response_.done(unix_seconds(clock_.wall()), frames_);
  send();
  reply_.finish();
}

void ResponsesSink::broken(const openai::ApiError& error) {
  response_.failed(openai::responses::in_own_names(error), frames_);
  send();
  reply_.finish();
}

// An answer that outgrows what may be kept is given up like one that is not read.
bool ResponsesSink::congested() const {
  return ReplySink::congested() || response_.bytes() > limits::upstream_body_bytes_max;
}

}  // namespace faelled::gateway
