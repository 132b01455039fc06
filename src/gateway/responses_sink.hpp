// ResponsesSink: an answer to a client of /v1/responses: a chat answer told in that protocol's objects and events.
// While nothing comes, `response.in_progress` is said again; an answer that breaks ends in `error` and
// `response.failed`. Owned by the handler's frame.
#pragma once

#include "base/clock.hpp"
#include "gateway/reply_sink.hpp"
#include "json/document.hpp"
#include "openai/responses/response.hpp"
#include "openai/responses/translate.hpp"

namespace faelled::gateway {

class ResponsesSink final : public ReplySink {
 public:
  // `asked` and `document` outlive the sink; the document is scratch.
  ResponsesSink(http::Reply& reply, std::string_view request_id, const openai::responses::Asked& asked,
                json::Document& document, const Clock& clock);

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

  json::Document& document_;
  const Clock& clock_;
  openai::responses::Response response_;
  std::string frames_;
};

}  // namespace faelled::gateway
