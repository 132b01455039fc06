// Turn: one answer on the page. It lives on the server, not on a connection: a refresh loses nothing, and it is stopped
// when nobody has watched it for limits::turn_unwatched_max. It is an AnswerSink, so it takes the same path as an API
// client's request. Shared by its runner and its viewers; loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "gateway/sink.hpp"
#include "json/document.hpp"
#include "net/event.hpp"
#include "net/timer.hpp"
#include "store/conversations.hpp"

namespace faelled::portal {

class Turn final : public gateway::AnswerSink {
 public:
  struct Bounds {
    Duration unwatched_max = limits::turn_unwatched_max;
    std::size_t text_bytes_max = limits::turn_text_bytes_max;
  };

  // Somebody who watches. Wakes when there is more to see.
  struct Viewer {
    net::Event wake;
  };

  // `scratch` is used within one call of event() alone. An answer that goes on has its words so far. `counts`: what the
  // model reads is this conversation, so that the tokens tell how full it is.
  Turn(net::Loop& loop, json::Document& scratch, Bounds bounds, std::string id, store::Conversation conversation,
       store::Message answer, bool counts);

  // False: its member keeps conversations in the browser alone, and so the answer is nowhere but here.
  bool kept() const { return !conversation_.id.empty(); }
  const std::string& id() const { return id_; }
  const store::Conversation& conversation() const { return conversation_; }
  const store::Message& answer() const { return answer_; }
  // Nothing comes any more, and the answer is kept.
  bool ended() const { return ended_at_.has_value(); }
  const std::string& text() const { return answer_.content; }
  const std::optional<rpc::Waiting>& waiting_now() const { return waiting_; }
  std::optional<Instant> ended_at() const { return ended_at_; }

  void stop();
  // The same, but not because its person wants it so.
  void cut_off(const openai::ApiError& why);
  void watch(Viewer& viewer);
  void unwatch(Viewer& viewer);
  // The exchange has returned: the answer has its last form. Its viewers hear of it from end(), once it is kept.
  void conclude();
  void end(Instant now);

  void whole(std::string_view, const gateway::AnswerTimes&) override {}
  void fail(const openai::ApiError& error) override;
  void open(const gateway::AnswerTimes&) override;
  void event(std::string_view data) override;
  void keep_alive(const rpc::Waiting*) override {}
  void waiting(const rpc::Waiting& waiting) override;
  void done() override { answer_.state = store::MessageState::done; }
  void broken(const openai::ApiError& error) override { fail(error); }
  void flush() override { tell(); }
  bool opened() const override { return opened_; }
  bool gone() const override { return stopped_; }
  void on_gone(std::function<void()> callback) override { on_gone_ = std::move(callback); }
  bool congested() const override { return false; }

 private:
  // Ends it for a reason of ours, which the person is told.
  void break_off(std::string message, std::string message_da);
  void tell();

  json::Document& scratch_;
  const Bounds bounds_;
  const bool counts_;
  std::string id_;
  store::Conversation conversation_;
  store::Message answer_;
  std::optional<rpc::Waiting> waiting_;
  std::vector<Viewer*> viewers_;
  std::function<void()> on_gone_;
  net::Timer unwatched_;
  std::optional<Instant> ended_at_;
  bool opened_ = false;
  bool stopped_ = false;
  bool concluded_ = false;
};

}  // namespace faelled::portal
