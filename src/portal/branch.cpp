#include "portal/branch.hpp"

#include <algorithm>

namespace faelled::portal {

using store::Message;

namespace {

constexpr std::uint32_t message_tokens = 6;  // what a chat template puts around one

}  // namespace

const Message* message_of(const std::vector<Message>& all, std::string_view id) {
  const auto found = std::ranges::find(all, id, &Message::id);
  return found == all.end() ? nullptr : &*found;
}

std::vector<Message> branch_to(const std::vector<Message>& all, std::string_view leaf) {
  const Message* at = message_of(all, leaf);
  if (at == nullptr && !all.empty()) at = &all.back();
  std::vector<Message> out;
  while (at != nullptr && out.size() <= all.size()) {
    out.push_back(*at);
    at = at->parent.empty() ? nullptr : message_of(all, at->parent);
  }
  std::ranges::reverse(out);
  return out;
}

std::uint32_t tokens_estimate(std::string_view text) {
  return static_cast<std::uint32_t>((text.size() * 2 + 6) / 7) + message_tokens;
}

std::uint32_t tokens_in(const std::vector<Message>& branch, std::string_view model) {
  std::uint32_t out = 0;
  for (auto it = branch.rbegin(); it != branch.rend(); ++it) {
    if (it->input_tokens > 0 && it->model == model) return out + it->input_tokens + it->output_tokens;
    if (!it->content.empty()) out += tokens_estimate(it->content);
  }
  return out;
}

bool end_if_lost(Message& message, WallTime asked_at, WallTime now, Duration longest) {
  if (message.state != store::MessageState::running || now - asked_at <= longest) return false;
  message.state = store::MessageState::failed;
  message.error_message = store::interrupted;
  message.error_message_da = store::interrupted_da;
  return true;
}

std::vector<Message> last_of(const std::vector<Message>& branch, std::uint32_t tokens_max) {
  std::uint32_t tokens = 0;
  std::size_t begin = branch.size();
  for (std::size_t i = branch.size(); i-- > 0;) {
    tokens += tokens_estimate(branch[i].content);
    if (tokens > tokens_max) break;
    if (branch[i].role == store::MessageRole::user) begin = i;
  }
  return {branch.begin() + static_cast<std::ptrdiff_t>(begin), branch.end()};
}

}  // namespace faelled::portal
