#include <algorithm>

#include "base/limits.hpp"
#include "json/writer.hpp"
#include "portal/conversations_api.hpp"
#include "portal/render.hpp"
#include "store/word_search.hpp"

namespace faelled::portal {

// Slice by slice, so that nobody else waits for the store meanwhile.
net::Task<void> ConversationsApi::search(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto words = fields->text("words");
  if (!words) co_return call.fail(words.error(), "words");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  const auto folded = store::words_of_query(*words);
  const std::string user = call.visitor.session->user.id;
  std::vector<store::Conversations::Found> found;
  std::string behind;
  std::size_t seen = 0, bytes = 0;
  bool all_of_them = folded.empty();
  while (!folded.empty() && !call.reply.gone()) {
    auto slice = co_await desk_.on_store<store::Conversations::Slice>(
        [user, folded, behind](store::Store& s, store::Conversations& all) {
          return all.search(s, user, folded, behind, limits::search_slice_conversations);
        });
    if (!slice) co_return call.fail(slice.error());
    for (auto& one : slice->found)
      if (found.size() < limits::search_found_max) found.push_back(std::move(one));
    behind = slice->next;
    seen += limits::search_slice_conversations;
    bytes += slice->bytes;
    all_of_them = behind.empty();
    if (all_of_them || found.size() == limits::search_found_max || seen >= limits::search_conversations_max ||
        bytes >= limits::search_bytes_max)
      break;
  }
  std::ranges::sort(found, std::greater(), [](const auto& one) { return one.conversation.updated_at; });
  std::string body;
  json::Writer out(body);
  out.object().key("found").array();
  for (const auto& one : found) {
    out.object().key("conversation");
    write_conversation(out, one.conversation, turns_.running(one.conversation.id) != nullptr);
    out.close_object();
    out.member_or_null("message", one.message).member("excerpt", one.excerpt).close_object();
  }
  out.close_array().member("complete", all_of_them).close_object();
  call.json(200, body);
}

}  // namespace faelled::portal
