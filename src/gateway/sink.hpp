// AnswerSink: where an answer goes, be it an HTTP client or a turn of the page. An exchange calls either whole(), or
// open() event()… and then exactly one of done() and broken(); fail() only before open(). Loop's thread.
#pragma once

#include <functional>
#include <string_view>

#include "base/clock.hpp"
#include "openai/api_error.hpp"
#include "rpc/messages.hpp"

namespace faelled::gateway {

struct AnswerTimes {
  Duration queued{};      // admission to grant
  Duration processing{};  // admission to the first byte of the answer
  rpc::Lane lane = rpc::Lane::interactive;
};

class AnswerSink {
 public:
  virtual ~AnswerSink() = default;

  virtual void whole(std::string_view json, const AnswerTimes& times) = 0;
  virtual void fail(const openai::ApiError& error) = 0;

  virtual void open(const AnswerTimes& times) = 0;
  virtual void event(std::string_view data) = 0;
  // Something to see while nothing else comes; opens the stream if need be.
  virtual void keep_alive(const rpc::Waiting* waiting) = 0;
  virtual void waiting(const rpc::Waiting& waiting) = 0;
  virtual void done() = 0;
  virtual void broken(const openai::ApiError& error) = 0;
  virtual void flush() = 0;

  virtual bool opened() const = 0;
  virtual bool gone() const = 0;
  virtual void on_gone(std::function<void()> callback) = 0;
  // The client leaves more unread than the bound: it is given up, never waited for.
  virtual bool congested() const = 0;
};

}  // namespace faelled::gateway
