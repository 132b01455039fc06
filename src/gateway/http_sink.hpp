// HttpSink: an answer to an API client: JSON or server-sent events in the form OpenAI's clients read. Owned by the
// handler's frame.
#pragma once

#include <string>

#include "gateway/reply_sink.hpp"

namespace faelled::gateway {

// Header lines of an error answer.
std::string error_headers(const openai::ApiError& error, std::string_view request_id);
// The answer itself.
// `more`: further header lines, each with CRLF.
void send_error(http::Reply& reply, const openai::ApiError& error, std::string_view request_id,
                std::string_view more = {});

class HttpSink final : public ReplySink {
 public:
  using ReplySink::ReplySink;

  void whole(std::string_view json, const AnswerTimes& times) override;
  void fail(const openai::ApiError& error) override { send_error(reply_, error, request_id_); }
  void open(const AnswerTimes& times) override;
  void event(std::string_view data) override;
  void keep_alive(const rpc::Waiting* waiting) override;
  void done() override;
  void broken(const openai::ApiError& error) override;

 private:
  std::string frame_;
};

}  // namespace faelled::gateway
