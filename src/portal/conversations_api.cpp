#include "portal/conversations_api.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "json/writer.hpp"
#include "portal/branch.hpp"
#include "portal/paging.hpp"
#include "portal/render.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;
using store::Conversation;
using store::Message;

constexpr std::size_t page_rows_max = 100;
constexpr std::uint32_t carried_tokens_default = 1024;  // of an old conversation into a new one
static_assert(page_rows_max < limits::conversations_page_max, "one more is asked for, to know whether there is more");

struct Loaded {
  Conversation conversation;
  std::vector<Message> messages;
};

// Where a row of the list stood, so that the next page begins there whatever became of the row:
// "1767225600000000,con_…".
std::string place_of(const Conversation& row) { return fmt::format("{},{}", unix_micros(row.updated_at), row.id); }

// The other way round. Nothing: it is none.
std::optional<store::ConversationsFrom> from_place(std::string_view text) {
  store::ConversationsFrom from;
  if (text.empty()) return from;
  std::int64_t us = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, us);
  if (error != std::errc() || end == last || *end != ',' || end + 1 == last) return std::nullopt;
  from.changed_at = from_unix_micros(us);
  from.id.assign(end + 1, last);
  return from;
}

}  // namespace

net::Task<void> ConversationsApi::list_conversations(Call& call) {
  const auto from = from_place(http::query_value(call.request.query, "before"));
  if (!from) co_return call.fail(ApiError{Cause::invalid_value, "before is the next of the page before", "before"});
  const auto page_rows = limit_of(call.request.query, 50, page_rows_max);
  if (!page_rows) co_return call.fail(page_rows.error(), "limit");
  const std::string user = call.visitor.session->user.id;
  auto rows = co_await desk_.on_store<std::vector<Conversation>>(
      [user, from = *from, limit = *page_rows](store::Store& s, store::Conversations& all) {
        return all.list(s, user, from, limit + 1);
      });
  if (!rows) co_return call.fail(rows.error());
  const bool more = rows->size() > *page_rows;
  if (more) rows->pop_back();
  std::string body;
  json::Writer out(body);
  out.object().key("conversations").array();
  for (const Conversation& row : *rows) {
    write_conversation(out, row, turns_.running(row.id) != nullptr);
    out.close_object();
  }
  out.close_array().member_or_null("next", more ? place_of(rows->back()) : std::string()).close_object();
  call.json(200, body);
}

net::Task<void> ConversationsApi::create_conversation(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto model = fields->text("model");
  auto title = fields->maybe_text("title");
  auto last_of_id = fields->maybe_text("last_of");
  if (!last_of_id) co_return call.fail(last_of_id.error(), "last_of");
  if (!model) co_return call.fail(model.error(), "model");
  if (!title) co_return call.fail(title.error(), "title");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  if (!desk_.offers(call.visitor, *model))
    co_return call.fail(ApiError{Cause::model_not_found, "There is no such model.", "model"});
  if (const auto why = kept_elsewhere(*call.visitor.session)) co_return call.fail(*why);
  if (title->value_or("").size() > limits::name_bytes_max)
    co_return call.fail(ApiError{Cause::invalid_value, "the title is too long", "title"});
  const WallTime now = desk_.context.clock.wall();
  const members::Session& session = *call.visitor.session;
  Conversation row{make_id("con_", now, desk_.context.random),
                   session.user.id,
                   session.member.id,
                   *model,
                   title->value_or(""),
                   now,
                   now};
  // A quarter of what the model remembers: there shall be room to go on.
  const std::uint32_t context = desk_.context_tokens(*model);
  const std::uint32_t carried_max = context == 0 ? carried_tokens_default : context / 4;
  auto added = co_await desk_.on_store<Conversation>(
      [row, from = last_of_id->value_or(""), carried_max, seed = make_id("msg_", now, desk_.context.random)](
          store::Store& s, store::Conversations& all) mutable -> Expected<Conversation> {
        auto done = s.together([&]() -> Expected<void> {
          std::vector<Message> carried;
          if (!from.empty()) {
            auto earlier = all.get(s, row.user, from);
            if (!earlier) return std::unexpected(earlier.error());
            auto messages = all.messages(s, *earlier);
            if (!messages) return std::unexpected(messages.error());
            carried = last_of(branch_to(*messages, earlier->leaf), carried_max);
          }
          if (auto ok = all.add(s, row); !ok) return ok;
          std::string parent;
          for (Message& message : carried) {
            message.parent = std::exchange(parent, fmt::format("{}_{}", seed, &message - carried.data()));
            message.id = parent;
            message.conversation = row.id;
            // As far as it is: what goes on being written is the other one's.
            if (message.state == store::MessageState::running) message.state = store::MessageState::stopped;
            message.input_tokens = message.output_tokens = 0;  // counted with what is not here
            message.rating = store::Rating::none;
            message.rating_reason.clear();
            if (auto ok = all.add_message(s, row, message); !ok) return ok;
          }
          row.leaf = parent;
          return parent.empty() ? Expected<void>{} : all.update(s, row);
        });
        if (!done) return std::unexpected(done.error());
        return row;
      });
  if (!added) co_return call.fail(added.error());
  std::string body;
  json::Writer out(body);
  write_conversation(out, *added, false);
  out.close_object();
  call.json(201, body);
}

net::Task<void> ConversationsApi::get_conversation(Call& call) {
  const std::string user = call.visitor.session->user.id;
  auto loaded = co_await desk_.on_store<Loaded>(
      [user, id = call.id](store::Store& s, store::Conversations& all) -> Expected<Loaded> {
        auto row = all.get(s, user, id);
        if (!row) return std::unexpected(row.error());
        auto messages = all.messages(s, *row);
        if (!messages) return std::unexpected(messages.error());
        return Loaded{std::move(*row), std::move(*messages)};
      });
  if (!loaded) co_return call.fail(loaded.error());
  const auto turn = turns_.running(call.id);
  std::string body;
  json::Writer out(body);
  write_conversation(out, loaded->conversation, turn != nullptr);
  out.key("messages").array();
  for (Message& message : loaded->messages) {
    // The store may be behind: what is being written is kept now and then, and its end just now.
    if (const Turn* of = message.state == store::MessageState::running ? turns_.of(message) : nullptr) {
      message = of->answer();
      if (!of->ended()) message.state = store::MessageState::running;
    } else {
      (void)end_if_lost(message, loaded->conversation.updated_at, desk_.context.clock.wall(),
                        desk_.longest_answer(call));
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

net::Task<void> ConversationsApi::change_conversation(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto title = fields->maybe_text("title");
  auto leaf = fields->maybe_text("leaf");
  if (!title) co_return call.fail(title.error(), "title");
  if (!leaf) co_return call.fail(leaf.error(), "leaf");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  if (!*title && !*leaf) co_return call.fail(ApiError{Cause::missing_value, "give title or leaf", "title"});
  if (*title && ((*title)->empty() || (*title)->size() > limits::name_bytes_max))
    co_return call.fail(
        ApiError{Cause::invalid_value, fmt::format("the title has 1 to {} bytes", limits::name_bytes_max), "title"});
  const std::string user = call.visitor.session->user.id;
  auto row =
      co_await desk_.on_store<Conversation>([user, id = call.id, title = *title, leaf = *leaf](
                                                store::Store& s, store::Conversations& all) -> Expected<Conversation> {
        auto found = all.get(s, user, id);
        if (!found) return found;
        if (title) found->title = *title;
        if (leaf) {
          auto messages = all.messages(s, *found);
          if (!messages) return std::unexpected(messages.error());
          if (message_of(*messages, *leaf) == nullptr)
            return faelled::fail(Errc::invalid, "there is no such message in this conversation");
          found->leaf = *leaf;
        }
        if (auto updated = all.update(s, *found); !updated) return std::unexpected(updated.error());
        return found;
      });
  if (!row) co_return call.fail(row.error(), row.error().code == Errc::invalid ? "leaf" : "");
  std::string body;
  json::Writer out(body);
  write_conversation(out, *row, turns_.running(row->id) != nullptr);
  out.close_object();
  call.json(200, body);
}

net::Task<void> ConversationsApi::delete_conversation(Call& call) {
  const std::string user = call.visitor.session->user.id;
  auto gone = co_await desk_.on_store<void>(
      [user, id = call.id, now = desk_.context.clock.wall()](store::Store& s, store::Conversations&) {
        return s.delete_conversation(user, id, now);
      });
  if (!gone) co_return call.fail(gone.error());
  if (const auto turn = turns_.running(call.id)) turn->stop();
  call.none();
}

}  // namespace faelled::portal
