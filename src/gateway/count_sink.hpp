// CountSink: how many tokens a conversation has, told to a client of /v1/responses/input_tokens or Anthropic's
// /v1/messages/count_tokens. Never streamed. Owned by the handler's frame.
#pragma once

#include "gateway/gateway.hpp"
#include "gateway/reply_sink.hpp"

namespace faelled::gateway {

class CountSink final : public ReplySink {
 public:
  CountSink(http::Reply& reply, std::string_view request_id, Wire wire) : ReplySink(reply, request_id), wire_(wire) {}

  // `json`: {"input_tokens":…}
  void whole(std::string_view json, const AnswerTimes& times) override;
  void fail(const openai::ApiError& error) override;
  void open(const AnswerTimes&) override {}
  void event(std::string_view) override {}
  void keep_alive(const rpc::Waiting*) override {}
  void done() override {}
  void broken(const openai::ApiError& error) override { fail(error); }

 private:
  Wire wire_;
};

}  // namespace faelled::gateway
