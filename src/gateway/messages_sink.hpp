// MessagesSink: an answer to a client of Anthropic's /v1/messages: a chat answer told in that protocol's blocks and
// events. While nothing comes, `ping` is sent; an answer that breaks ends in `error`. Owned by the handler's frame.
#pragma once

#include "gateway/reply_sink.hpp"
#include "json/document.hpp"
#include "openai/anthropic/message.hpp"
#include "openai/anthropic/translate.hpp"

namespace faelled::gateway {

class MessagesSink final : public ReplySink {
 public:
  // `document` outlives the sink and is scratch.
  MessagesSink(http::Reply& reply, std::string_view request_id, const openai::anthropic::Asked& asked,
               json::Document& document);

  void whole(std::string_view json, const AnswerTimes& times) override;
  void fail(const openai::ApiError& error) override;
  void open(const AnswerTimes& times) override;
  void event(std::string_view data) override;
  void keep_alive(const rpc::Waiting* waiting) override;
  void done() override;
  void broken(const openai::ApiError& error) override;
  bool congested() const override;

 private:
  void send();
  std::string own_headers(const AnswerTimes& times, std::string_view content_type) const;

  json::Document& document_;
  openai::anthropic::Message message_;
  std::string frames_;
};

// The answer that refuses a request, in this protocol. `more`: further header lines, each with CRLF.
void send_anthropic_error(http::Reply& reply, const openai::ApiError& error, std::string_view request_id,
                          std::string_view more = {});

}  // namespace faelled::gateway
