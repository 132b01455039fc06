#include <fmt/format.h>

#include "base/limits.hpp"
#include "json/writer.hpp"
#include "portal/branch.hpp"
#include "portal/conversations_api.hpp"
#include "portal/render.hpp"

namespace faelled::portal {

using openai::ApiError;
using openai::Cause;
using store::Message;

// What a person thinks of one answer. Its reason is sealed like the answer; a member's admin sees counts alone.
net::Task<void> ConversationsApi::rate_answer(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto message = fields->text("message");
  auto rating = fields->maybe_text("rating");
  auto reason = fields->maybe_text("reason");
  if (!message) co_return call.fail(message.error(), "message");
  if (!rating) co_return call.fail(rating.error(), "rating");
  if (!reason) co_return call.fail(reason.error(), "reason");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  if (*rating && **rating != "up" && **rating != "down")
    co_return call.fail(ApiError{Cause::invalid_value, "rating is up, down or null", "rating"});
  if (reason->value_or("").size() > limits::rating_reason_bytes_max)
    co_return call.fail(ApiError{Cause::invalid_value,
                                 fmt::format("the reason has at most {} bytes", limits::rating_reason_bytes_max),
                                 "reason"});
  const store::Rating wanted = !*rating           ? store::Rating::none
                               : **rating == "up" ? store::Rating::up
                                                  : store::Rating::down;
  const std::string user = call.visitor.session->user.id;
  auto row = co_await desk_.on_store<Message>(
      [user, id = call.id, message = *message, wanted, reason = reason->value_or(""), now = desk_.context.clock.wall(),
       longest = desk_.longest_answer(call)](store::Store& s, store::Conversations& all) -> Expected<Message> {
        auto of = all.get(s, user, id);
        if (!of) return std::unexpected(of.error());
        auto messages = all.messages(s, *of);
        if (!messages) return std::unexpected(messages.error());
        const Message* found = message_of(*messages, message);
        if (found == nullptr || found->role != store::MessageRole::assistant)
          return faelled::fail(Errc::not_found, "there is no such answer in this conversation");
        Message rated = *found;
        (void)end_if_lost(rated, of->updated_at, now, longest);
        if (rated.state == store::MessageState::running)
          return faelled::fail(Errc::conflict, "the answer is still being written");
        rated.rating = wanted;
        rated.rating_reason = wanted == store::Rating::none ? "" : reason;
        if (auto kept = all.update_message(s, *of, rated); !kept) return std::unexpected(kept.error());
        return rated;
      });
  if (!row) co_return call.fail(row.error());
  std::string body;
  json::Writer out(body);
  write_message(out, *row);
  call.json(200, body);
}

// Counts by model, for the member's admins.
net::Task<void> ConversationsApi::list_ratings(Call& call) {
  using Sums = std::vector<store::RatingSum>;
  auto sums =
      co_await desk_.on_store<Sums>([member = call.visitor.session->member.id](store::Store& s, store::Conversations&) {
        return s.rating_sums(member);
      });
  if (!sums) co_return call.fail(sums.error());
  std::string body;
  json::Writer out(body);
  out.object().key("ratings").array();
  for (const store::RatingSum& sum : *sums)
    out.object().member("model", sum.model).member("up", sum.up).member("down", sum.down).close_object();
  out.close_array().close_object();
  call.json(200, body);
}

}  // namespace faelled::portal
