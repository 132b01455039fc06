// ReplySink: what every answer over HTTP shares, whatever protocol it is written in. Owned by the handler's frame.
#pragma once

#include <string>

#include "gateway/sink.hpp"
#include "http/server.hpp"

namespace faelled::gateway {

// What ids of parts of an answer are made of: the request id without its prefix, so that each leads to its ledger row.
inline std::string_view number_of(std::string_view request_id) { return request_id.substr(request_id.find('_') + 1); }

class ReplySink : public AnswerSink {
 public:
  ReplySink(http::Reply& reply, std::string_view request_id) : reply_(reply), request_id_(request_id) {}

  void waiting(const rpc::Waiting&) override {}
  void flush() override { reply_.flush(); }
  bool opened() const override { return reply_.begun(); }
  bool gone() const override { return reply_.gone(); }
  void on_gone(std::function<void()> callback) override { reply_.on_gone(std::move(callback)); }
  bool congested() const override { return reply_.congested(); }

 protected:
  // Header lines of an answer.
  std::string headers(const AnswerTimes& times, std::string_view content_type) const;

  http::Reply& reply_;
  std::string request_id_;
};

}  // namespace faelled::gateway
