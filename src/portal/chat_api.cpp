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
constexpr auto checkpoint_every = 2s;  // what a kill -9 may cost of a running answer
constexpr auto ended_turn_kept = 5min;

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

struct Loaded {
  Conversation conversation;
  std::vector<Message> messages;
};

}  // namespace

std::shared_ptr<Turn> Portal::running_turn(const std::string& conversation) const {
  for (const auto& [id, turn] : turns_)
    if (turn->conversation().id == conversation && turn->state() == Turn::State::running) return turn;
  return nullptr;
}

void Portal::forget_old_turns() {
  const Instant now = p_.context.loop.now();
  std::erase_if(turns_, [&](const auto& entry) {
    return entry.second->state() != Turn::State::running && entry.second->ended_at() + ended_turn_kept < now;
  });
}

net::Task<void> Portal::list_conversations(Call& call) {
  const std::string before = http::query_value(call.request.query, "before");
  std::size_t limit = 50;
  if (const std::string text = http::query_value(call.request.query, "limit"); !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (error != std::errc() || *end != 0 || limit < 1 || limit > 200)
      co_return call.fail(ApiError{Cause::invalid_value, "limit is a whole number from 1 to 200", "limit"});
  }
  const std::string user = call.visitor.session->user.id;
  auto rows = co_await on_store<std::vector<Conversation>>(
      [this, user, before, limit](store::Store& s) { return p_.conversations.list(s, user, before, limit + 1); });
  if (!rows) co_return call.fail(rows.error());
  const bool more = rows->size() > limit;
  if (more) rows->pop_back();
  std::string body;
  json::Writer out(body);
  out.object().key("conversations").array();
  for (const Conversation& row : *rows) {
    write_conversation(out, row, running_turn(row.id) != nullptr);
    out.close_object();
  }
  out.close_array().member_or_null("next", more ? std::string_view(rows->back().id) : std::string_view()).close_object();
  call.json(200, body);
}

net::Task<void> Portal::create_conversation(Call& call) {
  auto fields = body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto model = fields->text("model");
  auto title = fields->maybe_text("title");
  if (!model) co_return call.fail(model.error());
  if (!title) co_return call.fail(title.error());
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  if (p_.context.catalogue.find(*model) == nullptr)
    co_return call.fail(ApiError{Cause::model_not_found, "There is no such model.", "model"});
  if (title->value_or("").size() > limits::name_bytes_max)
    co_return call.fail(ApiError{Cause::invalid_value, "the title is too long", "title"});
  const WallTime now = p_.context.clock.wall();
  const members::Session& session = *call.visitor.session;
  const Conversation row{make_id("con_", now, p_.context.random), session.user.id, session.member.id, *model,
                         title->value_or(""), now, now};
  auto added = co_await on_store<void>([this, row](store::Store& s) { return p_.conversations.add(s, row); });
  if (!added) co_return call.fail(added.error());
  std::string body;
  json::Writer out(body);
  write_conversation(out, row, false);
  out.close_object();
  call.json(201, body);
}

net::Task<void> Portal::get_conversation(Call& call) {
  const std::string user = call.visitor.session->user.id;
  auto loaded = co_await on_store<Loaded>([this, user, id = call.id](store::Store& s) -> Expected<Loaded> {
    auto row = p_.conversations.get(s, user, id);
    if (!row) return std::unexpected(row.error());
    auto messages = p_.conversations.messages(s, *row);
    if (!messages) return std::unexpected(messages.error());
    return Loaded{std::move(*row), std::move(*messages)};
  });
  if (!loaded) co_return call.fail(loaded.error());
  const auto turn = running_turn(call.id);
  std::string body;
  json::Writer out(body);
  write_conversation(out, loaded->conversation, turn != nullptr);
  out.key("messages").array();
  for (const Message& message : loaded->messages) write_message(out, turn && turn->answer().id == message.id ? turn->answer() : message);
  out.close_array();
  if (turn) {
    out.key("turn").object().member("id", turn->id()).member("message_id", turn->answer().id).close_object();
  } else {
    out.member("turn", nullptr);
  }
  out.close_object();
  call.json(200, body);
}

net::Task<void> Portal::rename_conversation(Call& call) {
  auto fields = body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto title = fields->text("title");
  if (!title) co_return call.fail(title.error());
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  if (title->empty() || title->size() > limits::name_bytes_max)
    co_return call.fail(ApiError{Cause::invalid_value, fmt::format("the title has 1 to {} bytes", limits::name_bytes_max), "title"});
  const std::string user = call.visitor.session->user.id;
  auto row = co_await on_store<Conversation>([this, user, id = call.id, title = *title](store::Store& s) -> Expected<Conversation> {
    auto found = p_.conversations.get(s, user, id);
    if (!found) return found;
    found->title = title;
    if (auto updated = p_.conversations.update(s, *found); !updated) return std::unexpected(updated.error());
    return found;
  });
  if (!row) co_return call.fail(row.error());
  std::string body;
  json::Writer out(body);
  write_conversation(out, *row, running_turn(row->id) != nullptr);
  out.close_object();
  call.json(200, body);
}

net::Task<void> Portal::delete_conversation(Call& call) {
  const std::string user = call.visitor.session->user.id;
  auto gone = co_await on_store<void>(
      [this, user, id = call.id](store::Store& s) { return p_.conversations.remove(s, user, id); });
  if (!gone) co_return call.fail(gone.error());
  if (const auto turn = running_turn(call.id)) turn->stop();
  call.none();
}

net::Task<void> Portal::start_turn(Call& call) {
  auto fields = body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto content = fields->text("content");
  auto model = fields->maybe_text("model");
  if (!content) co_return call.fail(content.error());
  if (!model) co_return call.fail(model.error());
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  if (content->empty()) co_return call.fail(ApiError{Cause::invalid_value, "the question is empty", "content"});
  if (content->size() > limits::prompt_text_bytes_max)
    co_return call.fail(ApiError{Cause::body_too_large, "the question is too long", "content"});
  if (*model && p_.context.catalogue.find(**model) == nullptr)
    co_return call.fail(ApiError{Cause::model_not_found, "There is no such model.", "model"});
  forget_old_turns();
  if (turns_.size() >= limits::turns_running_max)
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
  auto loaded = co_await on_store<Loaded>([this, session, question, answer, model = *model, id = call.id](store::Store& s) mutable -> Expected<Loaded> {
    Loaded out;
    auto done = s.together([&]() -> Expected<void> {
      auto row = p_.conversations.get(s, session.user.id, id);
      if (!row) return std::unexpected(row.error());
      auto messages = p_.conversations.messages(s, *row);
      if (!messages) return std::unexpected(messages.error());
      for (const Message& message : *messages)
        if (message.state == store::MessageState::running)
          return faelled::fail(Errc::conflict, "an answer is still being written in this conversation", "stop it first");
      if (model) row->model = *model;
      if (row->title.empty()) row->title = title_from(question.content);
      row->updated_at = question.created_at;
      answer.model = row->model;
      if (auto ok = p_.conversations.update(s, *row); !ok) return ok;
      if (auto ok = p_.conversations.add_message(s, *row, question); !ok) return ok;
      if (auto ok = p_.conversations.add_message(s, *row, answer); !ok) return ok;
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
  auto turn = std::make_shared<Turn>(p_.context.loop, document_, make_id("trn_", now, p_.context.random),
                                     loaded->conversation, answer);
  turns_[turn->id()] = turn;
  p_.context.loop.spawn(run_turn(turn, {session.member.id, session.user.id, {}, session.user.id},
                                 chat_body(answer.model, loaded->messages)));
  p_.context.loop.spawn(keep_checkpoints(turn));
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
  co_await p_.gateway.chat(std::move(caller), std::move(body), turn->answer().request_id, *turn);
  turn->conclude(p_.context.loop.now());
  auto kept = co_await on_store<void>([this, turn, answer = turn->answer()](store::Store& s) {
    return p_.conversations.update_message(s, turn->conversation(), answer);
  });
  if (!kept && kept.error().code != Errc::not_found)  // not_found: the conversation was deleted meanwhile
    p_.context.log.error("an answer could not be kept", {{"request_id", turn->answer().request_id}, {"cause", kept.error().message}});
}

net::Task<void> Portal::keep_checkpoints(std::shared_ptr<Turn> turn) {
  std::size_t kept = 0;
  while (true) {
    co_await p_.context.loop.sleep(checkpoint_every);
    if (turn->state() != Turn::State::running) co_return;
    if (turn->text().size() == kept) continue;
    kept = turn->text().size();
    co_await on_store<void>([this, turn, answer = turn->answer()](store::Store& s) {
      return p_.conversations.update_message(s, turn->conversation(), answer);
    });
  }
}

net::Task<void> Portal::watch_turn(Call& call) {
  const auto found = turns_.find(call.id);
  if (found == turns_.end() || found->second->conversation().user != call.visitor.session->user.id)
    co_return call.fail(ApiError{Cause::not_found, "This answer is no longer under way; read the conversation."});
  const std::shared_ptr<Turn> turn = found->second;
  std::string from(call.request.header("last-event-id"));
  if (from.empty()) from = http::query_value(call.request.query, "after");
  std::size_t at = 0;
  if (!from.empty()) {
    const auto [end, error] = std::from_chars(from.data(), from.data() + from.size(), at);
    if (error != std::errc() || *end != 0 || at > turn->text().size())
      co_return call.fail(ApiError{Cause::invalid_value, "after is the number of bytes already seen", "after"});
  }
  call.reply.begin(200, fmt::format("Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-store\r\n"
                                    "X-Accel-Buffering: no\r\nx-request-id: {}\r\n", call.request_id));
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
    } else if (turn->waiting_now() && turn->waiting_now() != told && turn->state() == Turn::State::running) {
      told = turn->waiting_now();
      std::string data;
      json::Writer out(data);
      out.object().member("reason", told->model_ready ? "queue" : "starting").member("position", told->position);
      if (told->ready_in > Duration{}) {
        out.member("ready_in_s", static_cast<double>(to_millis(told->ready_in)) / 1000);
      } else {
        out.member("ready_in_s", nullptr);
      }
      out.close_object();
      event("waiting", data);
    } else if (std::exchange(quiet, false)) {
      call.reply.write(": keep-alive\n\n");
    }
    if (turn->state() != Turn::State::running && turn->answer().state != store::MessageState::running) break;
    call.reply.flush();
    if (call.reply.congested()) {
      call.reply.abort();
      break;
    }
    keep_alive.arm(limits::keep_alive_every);
    co_await viewer.wake;
  }
  turn->unwatch(viewer);
  call.reply.on_gone(nullptr);
  if (call.reply.gone()) co_return;
  std::string data;
  json::Writer out(data);
  const Message& answer = turn->answer();
  out.object().member("state", turn->state() == Turn::State::done      ? "done"
                               : turn->state() == Turn::State::stopped ? "stopped"
                                                                       : "failed");
  if (answer.error_message.empty()) {
    out.member("error", nullptr);
  } else {
    out.key("error").object().member("message", answer.error_message).member("message_da", answer.error_message_da).close_object();
  }
  out.member("request_id", answer.request_id);
  if (const auto usage = turn->usage()) {
    out.key("usage").object().member("input_tokens", usage->first).member("output_tokens", usage->second).close_object();
  } else {
    out.member("usage", nullptr);
  }
  out.close_object();
  event("end", data);
  call.reply.finish();
}

net::Task<void> Portal::stop_turn(Call& call) {
  const auto found = turns_.find(call.id);
  if (found == turns_.end() || found->second->conversation().user != call.visitor.session->user.id)
    co_return call.fail(ApiError{Cause::not_found, "This answer is no longer under way."});
  found->second->stop();
  call.none();
}

}  // namespace faelled::portal
