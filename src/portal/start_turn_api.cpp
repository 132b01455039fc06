#include "base/ids.hpp"
#include "base/limits.hpp"
#include "json/writer.hpp"
#include "portal/asking.hpp"
#include "portal/branch.hpp"
#include "portal/render.hpp"
#include "portal/turns_api.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;
using store::Conversation;
using store::Message;

constexpr std::size_t title_bytes_max = 80;

bool is_full(const std::vector<Message>& messages) {
  std::size_t bytes = 0;
  for (const Message& message : messages) bytes += message.content.size();
  return messages.size() >= limits::conversation_messages_max || bytes >= limits::conversation_bytes_max;
}

// The first words of the question, cut between characters.
std::string title_from(std::string_view content) {
  std::string title(content.substr(0, content.find('\n')));
  if (title.size() <= title_bytes_max) return title;
  std::size_t end = title_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(title[end]) & 0xC0U) == 0x80U) --end;
  return title.substr(0, end) + "…";
}

struct Begun {
  Conversation conversation;
  Asked asked;
  std::uint32_t tokens_max = 0;
};

ApiError too_long() {
  return {Cause::context_length_exceeded,
          "This conversation has become longer than the model can remember; begin a new one from it.", "content"};
}

}  // namespace

net::Task<void> TurnsApi::start_turn(Call& call) {
  if (const auto why = gateway_.closed()) co_return call.fail(*why);
  if (const auto why = kept_elsewhere(*call.visitor.session)) co_return call.fail(*why);
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto asking = Asking::read(*fields);
  if (!asking) co_return call.fail(asking.error());
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  if (asking->model && !desk_.offers(call.visitor, *asking->model))
    co_return call.fail(ApiError{Cause::model_not_found, "There is no such model.", "model"});
  const members::Session session = *call.visitor.session;
  auto place = turns_.place_for(session.user.id, call.request.body.size());
  if (!place) co_return call.fail(place.error());
  const WallTime now = desk_.context.clock.wall();
  if (!asking->model) {
    auto model = co_await desk_.on_store<std::string>(
        [user = session.user.id, id = call.id](store::Store& s, store::Conversations& all) -> Expected<std::string> {
          auto row = all.get(s, user, id);
          return row ? Expected<std::string>(std::move(row->model)) : std::unexpected(row.error());
        });
    if (!model) co_return call.fail(model.error());
    asking->model = std::move(*model);
  }
  const std::uint32_t tokens = desk_.context_tokens(*asking->model);
  auto begun =
      co_await desk_.on_store<Begun>([session, now, longest = desk_.longest_answer(call), asking = *asking, tokens,
                                      id = call.id, question = new_message(call.id, store::MessageRole::user, now),
                                      answer = new_message(call.id, store::MessageRole::assistant, now)](
                                         store::Store& s, store::Conversations& all) -> Expected<Begun> {
        Begun out;
        auto done = s.together([&]() -> Expected<void> {
          auto row = all.get(s, session.user.id, id);
          if (!row) return std::unexpected(row.error());
          auto messages = all.messages(s, *row);
          if (!messages) return std::unexpected(messages.error());
          if (is_full(*messages)) return faelled::fail(Errc::too_large, "the conversation is too long");
          for (Message& message : *messages) {
            if (end_if_lost(message, row->updated_at, now, longest))
              if (auto ok = all.update_message(s, *row, message); !ok) return ok;
            if (message.state == store::MessageState::running)
              return faelled::fail(Errc::conflict, "an answer is still being written in this conversation",
                                   "stop it first");
          }
          std::vector<Message> earlier;
          if (!asking.summary_of.empty()) {
            auto other = all.get(s, session.user.id, asking.summary_of);
            if (!other) return std::unexpected(other.error());
            auto theirs = all.messages(s, *other);
            if (!theirs) return std::unexpected(theirs.error());
            earlier = branch_to(*theirs, other->leaf);
          }
          row->model = *asking.model;
          auto made = asked(asking, row->leaf, *messages, earlier, tokens, question, answer);
          if (!made) return std::unexpected(made.error());
          out.tokens_max = answer_tokens(made->prompt, row->model, tokens);
          if (out.tokens_max == 0) return faelled::fail(Errc::too_large, "the conversation is too long");
          made->answer.model = row->model;
          if (row->title.empty()) row->title = title_from(asking.content);
          row->updated_at = now;
          row->leaf = made->answer.id;
          if (auto ok = all.update(s, *row); !ok) return ok;
          if (made->question)
            if (auto ok = all.add_message(s, *row, *made->question); !ok) return ok;
          auto ok = asking.further.empty() ? all.add_message(s, *row, made->answer)
                                           : all.update_message(s, *row, made->answer);
          if (!ok) return ok;
          out.conversation = std::move(*row);
          out.asked = std::move(*made);
          return {};
        });
        if (!done) return std::unexpected(done.error());
        return out;
      });
  if (!begun && begun.error().code == Errc::too_large) co_return call.fail(too_long());
  if (!begun) co_return call.fail(begun.error());
  begin_turn(call, session, std::move(begun->conversation), std::move(begun->asked), begun->tokens_max,
             std::move(*place));
}

Message TurnsApi::new_message(std::string conversation, store::MessageRole role, WallTime now) {
  Message out;
  out.id = make_id("msg_", now, desk_.context.random);
  out.conversation = std::move(conversation);
  out.role = role;
  out.created_at = now;
  if (role == store::MessageRole::assistant) {
    out.state = store::MessageState::running;
    out.request_id = gateway_.new_request_id();
  }
  return out;
}

void TurnsApi::begin_turn(Call& call, const members::Session& session, Conversation conversation, Asked asked,
                          std::uint32_t tokens_max, TurnPlaces::Place place) {
  const auto turn = turns_.begin(session, std::move(conversation), asked.answer, !asked.sums_up,
                                 chat_body(asked.answer.model, asked.prompt, tokens_max), std::move(place));
  std::string body;
  json::Writer out(body);
  out.object().key("turn").object().member("id", turn->id()).close_object();
  out.key("user_message");
  if (asked.question) {
    write_message(out, *asked.question);
  } else {
    out.null();
  }
  out.key("answer");
  write_message(out, asked.answer);
  out.close_object();
  call.json(202, body);
}

// The whole conversation comes with the question and goes with the answer: for members whose words stay in the browser.
net::Task<void> TurnsApi::start_loose_turn(Call& call) {
  if (const auto why = gateway_.closed()) co_return call.fail(*why);
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto model = fields->text("model");
  auto messages = fields->array("messages");
  auto further = fields->maybe_boolean("further");
  auto sums_up = fields->maybe_boolean("summary");
  if (!model) co_return call.fail(model.error(), "model");
  if (!messages) co_return call.fail(messages.error(), "messages");
  if (!further) co_return call.fail(further.error(), "further");
  if (!sums_up) co_return call.fail(sums_up.error(), "summary");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  auto prompt = loose_prompt(*messages);
  if (!prompt) co_return call.fail(prompt.error());
  if (!desk_.offers(call.visitor, *model))
    co_return call.fail(ApiError{Cause::model_not_found, "There is no such model.", "model"});
  auto place = turns_.place_for(call.visitor.session->user.id, call.request.body.size());
  if (!place) co_return call.fail(place.error());
  const std::uint32_t context = desk_.context_tokens(*model);
  const members::Session session = *call.visitor.session;
  Asked asked;
  asked.answer = new_message({}, store::MessageRole::assistant, desk_.context.clock.wall());
  asked.answer.model = *model;
  asked.sums_up = sums_up->value_or(false);
  if (further->value_or(false)) asked.answer.content = prompt->back().content;
  asked.prompt = loose_asked(std::move(*prompt), further->value_or(false), asked.sums_up, context);
  const std::uint32_t tokens_max = answer_tokens(asked.prompt, *model, context);
  if (tokens_max == 0) co_return call.fail(too_long());
  Conversation nowhere;
  nowhere.user = session.user.id;
  nowhere.member = session.member.id;
  begin_turn(call, session, std::move(nowhere), std::move(asked), tokens_max, std::move(*place));
}

}  // namespace faelled::portal
