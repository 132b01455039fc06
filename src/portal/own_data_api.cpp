#include "portal/own_data_api.hpp"

#include <fmt/format.h>

#include "base/error_words.hpp"
#include "base/limits.hpp"
#include "base/time_text.hpp"
#include "json/writer.hpp"
#include "portal/render.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;
using store::Conversation;
using store::Message;

// Of one job of the store's thread, and of our memory: at least one conversation, which has its own bound.
constexpr std::size_t export_slice_conversations = 50;
constexpr std::size_t export_slice_bytes = 1024 * 1024;
constexpr std::size_t export_audit_rows = 500;

struct Part {
  std::vector<std::pair<Conversation, std::vector<Message>>> all;
  std::string next;
};

// Regulation (EU) 2024/1689 article 50(2): what a model wrote is marked so that a machine can tell.
void write_exported(json::Writer& out, const Conversation& row, const std::vector<Message>& messages) {
  write_conversation(out, row, false);
  out.key("messages").array();
  for (const Message& message : messages) {
    out.object().member("written_by_ai", message.role == store::MessageRole::assistant).key("message");
    write_message(out, message);
    out.close_object();
  }
  out.close_array().close_object();
}

void write_event(json::Writer& out, const store::AuditRow& row, const std::string& user) {
  out.object()
      .member("at", time_text(row.at))
      .member("action", row.action)
      .member("by_you", row.actor == user)
      .member_or_null("object", row.object)
      .member("outcome", row.outcome == store::AuditOutcome::done ? "done" : "refused")
      .member("times", row.times)
      .member_or_null("peer", row.actor == user ? std::string_view(row.peer) : std::string_view())
      .member_or_null("request_id", row.request_id)
      .close_object();
}

}  // namespace

OwnDataApi::OwnDataApi(Desk& desk, Turns& turns, store::Ledger& ledger, Settings settings)
    : desk_(desk), turns_(turns), ledger_(ledger), settings_(settings), eraser_(desk.context.loop, [this] {
        desk_.context.loop.spawn(erase_deleted());
      }) {
  eraser_.arm(settings_.erase_every);
}

void OwnDataApi::stop_erasing() {
  stopped_ = true;
  eraser_.cancel();
}

net::Task<void> OwnDataApi::restore_conversation(Call& call) {
  const std::string user = call.visitor.session->user.id;
  auto row = co_await desk_.on_store<Conversation>(
      [user, id = call.id](store::Store& s, store::Conversations& all) -> Expected<Conversation> {
        if (auto back = s.restore_conversation(user, id); !back) return std::unexpected(back.error());
        return all.get(s, user, id);
      });
  if (!row) co_return call.fail(row.error());
  std::string body;
  json::Writer out(body);
  write_conversation(out, *row, false);
  out.close_object();
  call.json(200, body);
}

// Those that can still come back, with the time until when.
net::Task<void> OwnDataApi::list_deleted(Call& call) {
  const std::string user = call.visitor.session->user.id;
  using Deleted = std::vector<std::pair<Conversation, WallTime>>;
  auto rows = co_await desk_.on_store<Deleted>(
      [user](store::Store& s, store::Conversations& all) { return all.deleted(s, user); });
  if (!rows) co_return call.fail(rows.error());
  std::string body;
  json::Writer out(body);
  out.object().key("deleted").array();
  for (const auto& [row, when] : *rows)
    out.object()
        .member("id", row.id)
        .member("title", row.title)
        .member("deleted_at", time_text(when))
        .member("until", time_text(when + settings_.undo_max))
        .close_object();
  out.close_array().close_object();
  call.json(200, body);
}

// Everything of one person's, at once: the way back is open as long as for one conversation.
net::Task<void> OwnDataApi::delete_everything(Call& call) {
  const std::string user = call.visitor.session->user.id;
  const WallTime now = desk_.context.clock.wall();
  auto gone = co_await desk_.audited<std::size_t>(
      call, "user.delete_words", [user, now](store::Store& s) { return s.delete_conversations(user, now); });
  if (!gone) co_return call.fail(gone.error());
  turns_.stop_all_of(user);
  desk_.context.log.info("a person deleted all their conversations",
                         {{"request_id", call.request_id}, {"user", user}, {"conversations", std::to_string(*gone)}});
  std::string body;
  json::Writer(body)
      .object()
      .member("conversations", *gone)
      .member("deleted_at", time_text(now))
      .member("until", time_text(now + settings_.undo_max))
      .close_object();
  call.json(200, body);
}

net::Task<void> OwnDataApi::restore_everything(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto text = fields->text("deleted_at");
  if (!text) co_return call.fail(text.error(), "deleted_at");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  auto when = parse_time(*text);
  if (!when) co_return call.fail(ApiError{Cause::invalid_value, in_words(when.error()), "deleted_at"});
  const std::string user = call.visitor.session->user.id;
  auto back = co_await desk_.audited<std::size_t>(call, "user.restore_words", [user, when = *when](store::Store& s) {
    return s.restore_conversations(user, when);
  });
  if (!back) co_return call.fail(back.error());
  std::string body;
  json::Writer(body).object().member("conversations", *back).close_object();
  call.json(200, body);
}

// For good: what was deleted longer ago than it can come back.
net::Task<void> OwnDataApi::erase_deleted() {
  desk_.unkept.begin();
  auto gone = co_await desk_.on_store<std::size_t>(
      [before = desk_.context.clock.wall() - settings_.undo_max](store::Store& s, store::Conversations&) {
        return s.erase_deleted(before, limits::retention_rows_max);
      });
  if (gone && *gone > 0)
    desk_.context.log.info("deleted conversations were erased", {{"conversations", std::to_string(*gone)}});
  if (!gone)
    desk_.context.log.error("deleted conversations could not be erased yet", {{"cause", gone.error().message}});
  // Others have their turn in between: a conversation may have thousands of messages.
  const bool more = gone && *gone == limits::retention_rows_max;
  if (!stopped_)
    eraser_.arm(more ? std::min<Duration>(settings_.erase_every, std::chrono::seconds(1)) : settings_.erase_every);
  desk_.unkept.end();
}

// All that we hold of a person, as one file. Written piece by piece: it may be larger than what a client may leave
// unread.
net::Task<void> OwnDataApi::export_everything(Call& call) {
  const members::Session session = *call.visitor.session;
  const std::string user = session.user.id;
  const WallTime now = desk_.context.clock.wall();
  const auto part = [&](std::string behind) {
    return desk_.on_store<Part>([user, behind](store::Store& s, store::Conversations& all) -> Expected<Part> {
      auto rows = all.list(s, user, {store::ConversationsFrom::Order::made, behind}, export_slice_conversations);
      if (!rows) return std::unexpected(rows.error());
      Part out;
      std::size_t bytes = 0;
      for (Conversation& row : *rows) {
        if (bytes >= export_slice_bytes) break;
        auto messages = all.messages(s, row);
        if (!messages) return std::unexpected(messages.error());
        for (const Message& message : *messages) bytes += message.content.size();
        out.all.emplace_back(std::move(row), std::move(*messages));
      }
      if (out.all.size() < rows->size() || rows->size() == export_slice_conversations)
        out.next = out.all.back().first.id;
      return out;
    });
  };
  auto first = co_await part("");
  if (!first) co_return call.fail(first.error());
  auto noted = co_await desk_.audited<bool>(call, "user.export", [](store::Store&) { return Expected<bool>(true); });
  if (!noted) co_return call.fail(noted.error());
  call.reply.begin(200, fmt::format("Content-Type: application/json\r\nCache-Control: no-store\r\n"
                                    "Content-Disposition: attachment; filename=\"faelled-mine-data-{}.json\"\r\n"
                                    "x-request-id: {}\r\n",
                                    time_text(now).substr(0, 10), call.request_id));
  if (call.request.method == http::Method::head) co_return call.reply.finish();
  desk_.context.log.info("a person took out their data", {{"request_id", call.request_id}, {"user", user}});
  std::string body;
  json::Writer out(body);
  out.object()
      .member("notice",
              "Alt, hvad Fælled har gemt om dig. Det, hvor written_by_ai er true, er skrevet af kunstig intelligens og "
              "kan være forkert. / All that Fælled holds of you. What has written_by_ai true was written by artificial "
              "intelligence and may be wrong.")
      .member("made_at", time_text(now));
  out.key("user");
  write_user(out, session.user);
  out.key("member").object().member("id", session.member.id).member("name", session.member.name).close_object();
  out.key("keys").array();
  for (const store::KeyRow& key : desk_.directory.keys(session.member.id))
    if (key.user == user) write_key(out, key, {});
  out.close_array().key("conversations").array();
  // False: the client is gone or let in no more, or a part could not be read; a broken file must not look whole.
  const auto send = [&]() -> net::Task<bool> {
    if (!turns_.lets_in(user)) co_return false;
    call.reply.write(body);
    body.clear();
    call.reply.flush();
    if (call.reply.congested()) co_return co_await call.reply.drained();
    co_return !call.reply.gone();
  };
  for (auto slice = std::move(first);;) {
    for (const auto& [row, messages] : slice->all) {
      write_exported(out, row, messages);
      if (!co_await send()) co_return call.reply.abort();
    }
    if (slice->next.empty()) break;
    slice = co_await part(slice->next);
    if (!slice) co_return call.reply.abort();
  }
  out.close_array().key("usage").array();
  store::UsageFilter filter;
  filter.member = session.member.id;
  filter.caller = user;
  for (std::string after;;) {
    auto page = co_await answer_of<store::Ledger::Page>(
        [&](auto then) { ledger_.rows(filter, after, limits::usage_page_rows_max, std::move(then)); });
    if (!page) co_return call.reply.abort();
    for (const ledger::UsageRow& row : page->rows) write_usage(out, row);
    if (!co_await send()) co_return call.reply.abort();
    if (page->next.empty()) break;
    after = page->next;
  }
  out.close_array().key("events").array();
  // What this person did, then what others did to them.
  for (const bool own : {true, false}) {
    store::AuditFilter events;
    (own ? events.actor : events.object) = user;
    for (std::string before;;) {
      auto page = co_await desk_.on_store<store::AuditPage>([events, before](store::Store& s, store::Conversations&) {
        return s.audit(events, before, export_audit_rows);
      });
      if (!page) co_return call.reply.abort();
      for (const store::AuditRow& row : page->rows)
        if (own || row.actor != user) write_event(out, row, user);
      if (!co_await send()) co_return call.reply.abort();
      if (page->next.empty()) break;
      before = page->next;
    }
  }
  out.close_array().close_object();
  if (!co_await send()) co_return call.reply.abort();
  call.reply.finish();
}

}  // namespace faelled::portal
