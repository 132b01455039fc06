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

constexpr std::size_t page_rows_max = 100;
static_assert(page_rows_max < limits::conversations_page_max, "one more is asked for, to know whether there is more");

struct Loaded {
  Conversation conversation;
  std::vector<Message> messages;
};

}  // namespace

std::shared_ptr<Turn> Portal::running_turn(const std::string& conversation) const {
  for (const auto& [id, turn] : turns_)
    if (turn->conversation().id == conversation && !turn->ended()) return turn;
  return nullptr;
}

const Turn* Portal::turn_of(const Message& message) const {
  for (const auto& [id, turn] : turns_)
    if (turn->answer().id == message.id) return turn.get();
  return nullptr;
}

net::Task<void> Portal::list_conversations(Call& call) {
  const std::string before = http::query_value(call.request.query, "before");
  std::size_t limit = 50;
  if (const std::string text = http::query_value(call.request.query, "limit"); !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (error != std::errc() || *end != 0 || limit < 1 || limit > page_rows_max)
      co_return call.fail(
          ApiError{Cause::invalid_value, fmt::format("limit is a whole number from 1 to {}", page_rows_max), "limit"});
  }
  const std::string user = call.visitor.session->user.id;
  auto rows =
      co_await on_store<std::vector<Conversation>>([user, before, limit](store::Store& s, store::Conversations& all) {
        return all.list(s, user, before, limit + 1);
      });
  if (!rows && rows.error().code == Errc::not_found)
    co_return call.fail(ApiError{Cause::invalid_value, "before is the id of a conversation of yours", "before"});
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
  out.close_array()
      .member_or_null("next", more ? std::string_view(rows->back().id) : std::string_view())
      .close_object();
  call.json(200, body);
}

net::Task<void> Portal::create_conversation(Call& call) {
  auto fields = body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto model = fields->text("model");
  auto title = fields->maybe_text("title");
  if (!model) co_return call.fail(model.error(), "model");
  if (!title) co_return call.fail(title.error(), "title");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  if (!offers(call.visitor, *model))
    co_return call.fail(ApiError{Cause::model_not_found, "There is no such model.", "model"});
  if (call.visitor.session->member.policy.conversations == store::ConversationPlace::browser)
    co_return call.fail(
        ApiError{Cause::forbidden, "Your organisation has decided that conversations are kept in the browser alone."});
  if (title->value_or("").size() > limits::name_bytes_max)
    co_return call.fail(ApiError{Cause::invalid_value, "the title is too long", "title"});
  const WallTime now = p_.context.clock.wall();
  const members::Session& session = *call.visitor.session;
  const Conversation row{make_id("con_", now, p_.context.random),
                         session.user.id,
                         session.member.id,
                         *model,
                         title->value_or(""),
                         now,
                         now};
  auto added = co_await on_store<void>([row](store::Store& s, store::Conversations& all) { return all.add(s, row); });
  if (!added) co_return call.fail(added.error());
  std::string body;
  json::Writer out(body);
  write_conversation(out, row, false);
  out.close_object();
  call.json(201, body);
}

net::Task<void> Portal::get_conversation(Call& call) {
  const std::string user = call.visitor.session->user.id;
  auto loaded =
      co_await on_store<Loaded>([user, id = call.id](store::Store& s, store::Conversations& all) -> Expected<Loaded> {
        auto row = all.get(s, user, id);
        if (!row) return std::unexpected(row.error());
        auto messages = all.messages(s, *row);
        if (!messages) return std::unexpected(messages.error());
        return Loaded{std::move(*row), std::move(*messages)};
      });
  if (!loaded) co_return call.fail(loaded.error());
  const auto turn = running_turn(call.id);
  std::string body;
  json::Writer out(body);
  write_conversation(out, loaded->conversation, turn != nullptr);
  out.key("messages").array();
  for (Message& message : loaded->messages) {
    // The store may be behind: what is being written is kept now and then, and its end just now.
    if (const Turn* of = message.state == store::MessageState::running ? turn_of(message) : nullptr) {
      message = of->answer();
      if (!of->ended()) message.state = store::MessageState::running;
    }
    write_message(out, message);
  }
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
  if (!title) co_return call.fail(title.error(), "title");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  if (title->empty() || title->size() > limits::name_bytes_max)
    co_return call.fail(
        ApiError{Cause::invalid_value, fmt::format("the title has 1 to {} bytes", limits::name_bytes_max), "title"});
  const std::string user = call.visitor.session->user.id;
  auto row = co_await on_store<Conversation>(
      [user, id = call.id, title = *title](store::Store& s, store::Conversations& all) -> Expected<Conversation> {
        auto found = all.get(s, user, id);
        if (!found) return found;
        found->title = title;
        if (auto updated = all.update(s, *found); !updated) return std::unexpected(updated.error());
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
      [user, id = call.id](store::Store& s, store::Conversations& all) { return all.remove(s, user, id); });
  if (!gone) co_return call.fail(gone.error());
  if (const auto turn = running_turn(call.id)) turn->stop();
  call.none();
}

}  // namespace faelled::portal
