// HttpSink: an answer to an API client: JSON or server-sent events in the form OpenAI's clients read. Owned by the
// handler's frame.
#pragma once

#include <string>

#include "gateway/sink.hpp"
#include "http/server.hpp"

namespace faelled::gateway {

// Header lines of an error answer.
std::string error_headers(const openai::ApiError& error, std::string_view request_id);
// The answer itself.
// `more`: further header lines, each with CRLF.
void send_error(http::Reply& reply, const openai::ApiError& error, std::string_view request_id,
                std::string_view more = {});

class HttpSink final : public AnswerSink {
 public:
  HttpSink(http::Reply& reply, std::string_view request_id) : reply_(reply), request_id_(request_id) {}

  void whole(std::string_view json, const AnswerTimes& times) override;
  void fail(const openai::ApiError& error) override { send_error(reply_, error, request_id_); }
  void open(const AnswerTimes& times) override;
  void event(std::string_view data) override;
  void keep_alive(const rpc::Waiting* waiting) override;
  void waiting(const rpc::Waiting&) override {}
  void done() override;
  void broken(const openai::ApiError& error) override;
  void flush() override { reply_.flush(); }
  bool opened() const override { return reply_.begun(); }
  bool gone() const override { return reply_.gone(); }
  void on_gone(std::function<void()> callback) override { reply_.on_gone(std::move(callback)); }
  bool congested() const override { return reply_.congested(); }

 private:
  std::string headers(const AnswerTimes& times, std::string_view content_type) const;

  http::Reply& reply_;
  std::string request_id_;
  std::string frame_;
};

}  // namespace faelled::gateway
