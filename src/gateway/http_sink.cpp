#include "gateway/http_sink.hpp"

#include <fmt/format.h>

namespace faelled::gateway {

std::string error_headers(const openai::ApiError& error, std::string_view request_id) {
  std::string headers = fmt::format("Content-Type: application/json\r\nx-request-id: {}\r\n", request_id);
  if (const auto retry = openai::should_retry_header(error); !retry.empty())
    headers += fmt::format("x-should-retry: {}\r\n", retry);
  if (const auto after = openai::retry_after_header_s(error)) headers += fmt::format("Retry-After: {}\r\n", *after);
  if (error.status() == 401) headers += "WWW-Authenticate: Bearer\r\n";
  return headers;
}

void send_error(http::Reply& reply, const openai::ApiError& error, std::string_view request_id, std::string_view more) {
  reply.send(error.status(), error_headers(error, request_id).append(more), openai::error_body(error));
}

std::string ReplySink::headers(const AnswerTimes& times, std::string_view content_type) const {
  return fmt::format(
      "Content-Type: {}\r\nx-request-id: {}\r\nopenai-processing-ms: {}\r\nx-faelled-queue-ms: {}\r\n"
      "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n{}",
      content_type, request_id_, to_millis(times.processing), to_millis(times.queued),
      times.lane == rpc::Lane::batch ? "x-faelled-lane: batch\r\n" : "");
}

void HttpSink::whole(std::string_view json, const AnswerTimes& times) {
  reply_.send(200, headers(times, "application/json"), json);
}

void HttpSink::open(const AnswerTimes& times) { reply_.begin(200, headers(times, "text/event-stream; charset=utf-8")); }

void HttpSink::event(std::string_view data) {
  frame_.assign("data: ");
  frame_ += data;
  frame_ += "\n\n";
  reply_.write(frame_);
}

// One newline: a comment with two after a frame with an id makes an empty event that breaks SDKs (openai-python).
void HttpSink::keep_alive(const rpc::Waiting* waiting) {
  if (!reply_.begun()) open({});
  if (waiting == nullptr) {
    reply_.write(": keep-alive\n");
  } else {
    reply_.write(fmt::format(": waiting position={} model_ready={} ready_in_s={} at_most_s={}\n", waiting->position,
                             waiting->model_ready, to_millis(waiting->ready_in) / 1000,
                             to_millis(waiting->promised) / 1000));
  }
  reply_.flush();
}

void HttpSink::done() {
  reply_.write("data: [DONE]\n\n");
  reply_.finish();
}

void HttpSink::broken(const openai::ApiError& error) {
  event(openai::error_body(error));
  reply_.finish();
}

}  // namespace faelled::gateway
