#include "portal/turns_api.hpp"

#include <fmt/format.h>

#include "base/limits.hpp"
#include "base/whole_number.hpp"
#include "json/writer.hpp"
#include "portal/render.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;
using store::Conversation;
using store::Message;

std::string_view name_of(store::MessageState state) {
  return state == store::MessageState::done ? "done" : state == store::MessageState::stopped ? "stopped" : "failed";
}

// An offset inside a character is taken for its beginning: half a character is no JSON.
std::size_t character_start(std::string_view text, std::size_t at) {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) --at;
  return at;
}

std::string waiting_data(const rpc::Waiting& waiting) {
  std::string data;
  json::Writer out(data);
  out.object().member("reason", waiting.model_ready ? "queue" : "starting").member("position", waiting.position);
  if (waiting.ready_in > Duration{}) {
    out.member("ready_in_s", static_cast<double>(to_millis(waiting.ready_in)) / 1000);
  } else {
    out.member("ready_in_s", nullptr);
  }
  out.member("at_most_s", static_cast<double>(to_millis(waiting.promised)) / 1000);
  out.close_object();
  return data;
}

std::string end_data(const Turn& turn) {
  const Message& answer = turn.answer();
  std::string data;
  json::Writer out(data);
  out.object().member("state", name_of(answer.state));
  if (answer.error_message.empty()) {
    out.member("error", nullptr);
  } else {
    out.key("error")
        .object()
        .member("message", answer.error_message)
        .member("message_da", answer.error_message_da)
        .close_object();
  }
  out.member("request_id", answer.request_id);
  write_limit(out, answer.limit);
  write_tokens(out, answer);
  out.close_object();
  return data;
}

}  // namespace

net::Task<void> TurnsApi::watch_turn(Call& call) {
  turns_.forget_old();
  const std::shared_ptr<Turn> turn = turns_.own(call);
  if (!turn)
    co_return call.fail(ApiError{Cause::not_found, "This answer is no longer under way; read the conversation."});
  // A browser that connects again sends the id it saw last beside the address it began with.
  std::string from(call.request.header("last-event-id"));
  if (from.empty()) from = http::query_value(call.request.query, "after");
  std::size_t at = 0;
  if (!from.empty()) {
    const auto seen = whole_number<std::size_t>(from);
    if (!seen || *seen > turn->text().size())
      co_return call.fail(ApiError{Cause::invalid_value, "after is the number of bytes already seen", "after"});
    at = *seen;
  }
  at = character_start(turn->text(), at);
  call.reply.begin(200, fmt::format("Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-store\r\n"
                                    "X-Accel-Buffering: no\r\nx-request-id: {}\r\n",
                                    call.request_id));
  if (call.request.method == http::Method::head) co_return call.reply.finish();
  Turn::Viewer viewer;
  turn->watch(viewer);
  call.reply.on_gone([&viewer] { viewer.wake.set(); });
  bool quiet = false;
  net::Timer keep_alive(desk_.context.loop, [&] {
    quiet = true;
    viewer.wake.set();
  });
  std::optional<rpc::Waiting> told;
  const auto event = [&](std::string_view name, const std::string& data) {
    call.reply.write(fmt::format("event: {}\nid: {}\ndata: {}\n\n", name, at, data));
  };
  while (!call.reply.gone()) {
    if (!turns_.lets_in(turn->conversation().user)) {
      call.reply.abort();
      break;
    }
    if (turn->text().size() > at) {
      std::string data;
      json::Writer(data).object().member("text", std::string_view(turn->text()).substr(at)).close_object();
      at = turn->text().size();
      event("delta", data);
    } else if (turn->waiting_now() && turn->waiting_now() != told && !turn->ended()) {
      told = turn->waiting_now();
      event("waiting", waiting_data(*told));
    } else if (std::exchange(quiet, false)) {
      call.reply.write(": keep-alive\n\n");
    }
    if (turn->ended()) break;
    call.reply.flush();
    if (call.reply.congested()) {  // it may come again and read on from where it was
      call.reply.abort();
      break;
    }
    keep_alive.arm(keep_alive_every_);
    co_await viewer.wake;
  }
  turn->unwatch(viewer);
  call.reply.on_gone(nullptr);
  if (call.reply.gone() || !turn->ended()) co_return;
  event("end", end_data(*turn));
  call.reply.finish();
}

net::Task<void> TurnsApi::stop_turn(Call& call) {
  const std::shared_ptr<Turn> turn = turns_.own(call);
  if (!turn && !turns_.forgotten(call))
    co_return call.fail(ApiError{Cause::not_found, "This answer is no longer under way."});
  if (turn && turn->ended() && !turn->kept()) {
    turns_.forget(*turn);
  } else if (turn) {
    turn->stop();
  }
  call.none();
  co_return;
}

}  // namespace faelled::portal
