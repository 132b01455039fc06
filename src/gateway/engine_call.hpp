// EngineCall: one attempt with one grant: what the engine is sent, and how its answer is relayed or put together. Begun
// when the place is there, and kept until the next one for what it saw. Owned by its exchange, as is all that it refers
// to; loop's thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engines/gather.hpp"
#include "gateway/context.hpp"
#include "gateway/ending.hpp"
#include "gateway/inquiry.hpp"
#include "gateway/wait.hpp"
#include "http/client.hpp"
#include "net/task.hpp"
#include "openai/stream_rewriter.hpp"

namespace faelled::gateway {

class EngineCall {
 public:
  // `progress_told`: when the mesh was last told of it, by a call before this one.
  EngineCall(Context& context, const Inquiry& inquiry, const Wait& wait, rpc::Grant grant, Instant progress_told);
  EngineCall(const EngineCall&) = delete;
  EngineCall& operator=(const EngineCall&) = delete;

  net::Task<Ending> run();
  // While it talks: run() ends soon, perhaps on this stack, and its owner with it.
  void cut_off(Interrupt why);
  void hang_up() { upstream_.reset(); }
  bool talking() const { return upstream_.has_value(); }

  // When the engine will have been silent for too long. Never, where its first byte comes when the answer is whole:
  // there only the whole time is bounded.
  Instant silent_at() const;
  // What the engine said it used, or what was seen of it where it broke off before it said so.
  const openai::Usage& usage() const { return usage_; }
  bool asked() const { return asked_; }  // the engine has the request
  // When the client last saw something that the engine said; nothing: it has not.
  const std::optional<Instant>& relayed_at() const { return relayed_at_; }
  Instant progress_told() const { return progress_told_; }

 private:
  std::string headers() const;
  std::string target() const;
  std::string body() const;
  net::Task<Ending> refused(int status);
  Ending without_adapter() const;
  Ending broke_off(const Error& error) const;
  Ending said_error(openai::ApiError error) const;
  // engine_call_relay.cpp
  net::Task<Ending> relay_stream();
  net::Task<Ending> gather_stream();
  net::Task<std::optional<Ending>> gather_into(engines::Gather& gather);
  Ending relay_whole(std::string_view text);
  Ending relay_count(std::string_view text) const;
  void take_step(const openai::StreamRewriter::Step& step);
  void book_stream(const openai::StreamRewriter& rewriter);
  void book_deltas(std::uint32_t deltas);
  void tell_progress(std::uint32_t output_tokens);
  net::Task<void> settle();

  Context& context_;
  const Inquiry& inquiry_;
  const openai::Request& request_;
  const Wait& wait_;
  rpc::Grant grant_;
  std::optional<http::Client::Exchange> upstream_;
  std::optional<Interrupt> cut_off_;
  openai::Usage usage_;
  bool asked_ = false;
  Instant last_byte_;  // from the engine, or when its place was there
  Instant last_token_;
  Instant progress_told_;
  std::optional<Instant> relayed_at_;
};

}  // namespace faelled::gateway
