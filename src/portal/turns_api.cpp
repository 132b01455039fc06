#include <fmt/format.h>

#include <charconv>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "json/writer.hpp"
#include "portal/portal.hpp"
#include "portal/render.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;
using store::Conversation;
using store::Message;

constexpr std::uint32_t page_output_tokens_max = 1024;
constexpr std::size_t title_bytes_max = 80;

// The first words of the question, cut between characters.
std::string title_from(std::string_view content) {
  std::string title(content.substr(0, content.find('\n')));
  if (title.size() <= title_bytes_max) return title;
  std::size_t end = title_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(title[end]) & 0xC0U) == 0x80U) --end;
  return title.substr(0, end) + "…";
}

std::string chat_body(const std::string& model, const std::vector<Message>& messages) {
  std::string body;
  json::Writer out(body);
  out.object().member("model", model).member("stream", true).member("max_tokens", page_output_tokens_max);
  out.key("stream_options").object().member("include_usage", true).close_object();
  out.key("messages").array();
  for (const Message& message : messages)
    if (!message.content.empty())
      out.object()
          .member("role", message.role == store::MessageRole::user ? "user" : "assistant")
          .member("content", message.content)
          .close_object();
  out.close_array().close_object();
  return body;
}

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
  if (const auto usage = turn.usage()) {
    out.key("usage")
        .object()
        .member("input_tokens", usage->first)
        .member("output_tokens", usage->second)
        .close_object();
  } else {
    out.member("usage", nullptr);
  }
  out.close_object();
  return data;
}

struct Loaded {
  Conversation conversation;
  std::vector<Message> messages;
};

}  // namespace

// Those that ended a while ago, and where all places are taken the oldest of the ended ones.
void Portal::forget_old_turns() {
  const Instant now = p_.context.loop.now();
  std::erase_if(turns_, [&](const auto& entry) {
    const auto ended_at = entry.second->ended_at();
    return ended_at && *ended_at + p_.settings.ended_turn_kept < now;
  });
  for (auto it = turns_.begin(); it != turns_.end() && turns_.size() >= p_.settings.turns_max;)
    it = it->second->ended() ? turns_.erase(it) : std::next(it);
}

std::shared_ptr<Turn> Portal::own_turn(const Call& call) const {
  const auto found = turns_.find(call.id);
  const bool own = found != turns_.end() && found->second->conversation().user == call.visitor.session->user.id;
  return own ? found->second : nullptr;
}

net::Task<void> Portal::start_turn(Call& call) {
  auto fields = body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto content = fields->text("content");
  auto model = fields->maybe_text("model");
  if (!content) co_return call.fail(content.error(), "content");
  if (!model) co_return call.fail(model.error(), "model");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  if (content->empty()) co_return call.fail(ApiError{Cause::invalid_value, "the question is empty", "content"});
  if (content->size() > limits::prompt_text_bytes_max)
    co_return call.fail(ApiError{Cause::body_too_large, "the question is too long", "content"});
  if (*model && !offers(call.visitor, **model))
    co_return call.fail(ApiError{Cause::model_not_found, "There is no such model.", "model"});
  forget_old_turns();
  if (turns_.size() >= p_.settings.turns_max)
    co_return call.fail(ApiError{Cause::queue_full, "Too many answers are under way; try again in a moment."});
  const members::Session session = *call.visitor.session;
  const WallTime now = p_.context.clock.wall();
  const std::string request_id = p_.gateway.new_request_id();
  Message question, answer;
  question.id = make_id("msg_", now, p_.context.random);
  answer.id = make_id("msg_", now, p_.context.random);
  question.conversation = answer.conversation = call.id;
  question.created_at = answer.created_at = now;
  question.content = *content;
  answer.role = store::MessageRole::assistant;
  answer.state = store::MessageState::running;
  answer.request_id = request_id;
  auto loaded = co_await on_store<Loaded>([session, question, answer, model = *model, id = call.id](
                                              store::Store& s, store::Conversations& all) mutable -> Expected<Loaded> {
    Loaded out;
    auto done = s.together([&]() -> Expected<void> {
      auto row = all.get(s, session.user.id, id);
      if (!row) return std::unexpected(row.error());
      auto messages = all.messages(s, *row);
      if (!messages) return std::unexpected(messages.error());
      for (const Message& message : *messages)
        if (message.state == store::MessageState::running)
          return faelled::fail(Errc::conflict, "an answer is still being written in this conversation",
                               "stop it first");
      if (model) row->model = *model;
      if (row->title.empty()) row->title = title_from(question.content);
      row->updated_at = question.created_at;
      answer.model = row->model;
      if (auto ok = all.update(s, *row); !ok) return ok;
      if (auto ok = all.add_message(s, *row, question); !ok) return ok;
      if (auto ok = all.add_message(s, *row, answer); !ok) return ok;
      out.conversation = std::move(*row);
      out.messages = std::move(*messages);
      return {};
    });
    if (!done) return std::unexpected(done.error());
    return out;
  });
  if (!loaded) co_return call.fail(loaded.error());
  answer.model = loaded->conversation.model;
  loaded->messages.push_back(question);
  auto turn = std::make_shared<Turn>(p_.context.loop, document_, p_.settings.turn,
                                     make_id("trn_", now, p_.context.random), loaded->conversation, answer);
  turns_[turn->id()] = turn;
  p_.context.loop.spawn(run_turn(turn, {session.member.id, session.user.id, {}, session.user.id},
                                 chat_body(answer.model, loaded->messages)));
  std::string body;
  json::Writer out(body);
  out.object().key("turn").object().member("id", turn->id()).close_object();
  out.key("user_message");
  write_message(out, question);
  out.key("answer");
  write_message(out, answer);
  out.close_object();
  call.json(202, body);
}

net::Task<void> Portal::run_turn(std::shared_ptr<Turn> turn, members::Caller caller, std::string body) {
  const auto keep = [this, turn] {
    return on_store<void>(
        [of = turn->conversation(), answer = turn->answer()](store::Store& s, store::Conversations& all) {
          return all.update_message(s, of, answer);
        });
  };
  ++unkept_;
  std::size_t kept_bytes = 0;
  net::Timer checkpoint(p_.context.loop, [&] {
    if (std::exchange(kept_bytes, turn->text().size()) != turn->text().size())
      p_.context.loop.spawn(
          [](net::Task<Expected<void>> kept) -> net::Task<void> { co_await std::move(kept); }(keep()));
    checkpoint.arm(p_.settings.checkpoint_every);
  });
  checkpoint.arm(p_.settings.checkpoint_every);
  co_await p_.gateway.chat(std::move(caller), std::move(body), turn->answer().request_id, *turn);
  checkpoint.cancel();
  turn->conclude();
  auto kept = co_await keep();
  turn->end(p_.context.loop.now());
  const auto lost = [&kept] { return !kept && kept.error().code != Errc::not_found; };  // not_found: deleted meanwhile
  if (lost())
    p_.context.log.error("an answer could not be kept yet",
                         {{"request_id", turn->answer().request_id}, {"cause", kept.error().message}});
  // Until it is, its conversation takes no further question: it would be asked without this answer.
  while (lost()) {
    co_await p_.context.loop.sleep(p_.settings.store_retry_every);
    kept = co_await keep();
  }
  if (--unkept_ == 0) all_kept_.set();
}

net::Task<void> Portal::drain(Duration within) {
  const auto turns = turns_;
  for (const auto& [id, turn] : turns)
    turn->cut_off({Cause::shutting_down, "The server stopped while this was being written."});
  bool late = false;
  net::Timer deadline(p_.context.loop, [&] {
    late = true;
    all_kept_.set();
  });
  deadline.arm(within);
  while (unkept_ > 0 && !late) co_await all_kept_;
}

net::Task<void> Portal::watch_turn(Call& call) {
  forget_old_turns();
  const std::shared_ptr<Turn> turn = own_turn(call);
  if (!turn)
    co_return call.fail(ApiError{Cause::not_found, "This answer is no longer under way; read the conversation."});
  // A browser that connects again sends the id it saw last beside the address it began with.
  std::string from(call.request.header("last-event-id"));
  if (from.empty()) from = http::query_value(call.request.query, "after");
  std::size_t at = 0;
  if (!from.empty()) {
    const auto [end, error] = std::from_chars(from.data(), from.data() + from.size(), at);
    if (error != std::errc() || *end != 0 || at > turn->text().size())
      co_return call.fail(ApiError{Cause::invalid_value, "after is the number of bytes already seen", "after"});
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
  net::Timer keep_alive(p_.context.loop, [&] {
    quiet = true;
    viewer.wake.set();
  });
  std::optional<rpc::Waiting> told;
  const auto event = [&](std::string_view name, const std::string& data) {
    call.reply.write(fmt::format("event: {}\nid: {}\ndata: {}\n\n", name, at, data));
  };
  while (!call.reply.gone()) {
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
    keep_alive.arm(p_.settings.keep_alive_every);
    co_await viewer.wake;
  }
  turn->unwatch(viewer);
  call.reply.on_gone(nullptr);
  if (call.reply.gone() || !turn->ended()) co_return;
  event("end", end_data(*turn));
  call.reply.finish();
}

net::Task<void> Portal::stop_turn(Call& call) {
  const std::shared_ptr<Turn> turn = own_turn(call);
  if (!turn) co_return call.fail(ApiError{Cause::not_found, "This answer is no longer under way."});
  turn->stop();
  call.none();
  co_return;
}

}  // namespace faelled::portal
