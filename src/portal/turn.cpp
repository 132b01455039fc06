#include "portal/turn.hpp"

namespace faelled::portal {

using store::MessageState;

Turn::Turn(net::Loop& loop, json::Document& scratch, Bounds bounds, std::string id, store::Conversation conversation,
           store::Message answer, bool counts)
    : scratch_(scratch),
      bounds_(bounds),
      counts_(counts),
      id_(std::move(id)),
      conversation_(std::move(conversation)),
      answer_(std::move(answer)),
      unwatched_(loop, [this] {
        break_off("The answer was ended because nobody was watching it.", "Svaret blev afbrudt, fordi ingen så med.");
      }) {
  unwatched_.arm(bounds_.unwatched_max);
}

void Turn::stop() {
  if (concluded_ || stopped_) return;
  stopped_ = true;
  if (on_gone_) std::exchange(on_gone_, nullptr)();
}

void Turn::cut_off(const openai::ApiError& why) {
  if (concluded_ || stopped_) return;
  fail(why);
  stop();
}

void Turn::break_off(std::string message, std::string message_da) {
  if (concluded_ || stopped_) return;
  answer_.state = MessageState::failed;
  answer_.error_message = std::move(message);
  answer_.error_message_da = std::move(message_da);
  stop();
}

void Turn::watch(Viewer& viewer) {
  viewers_.push_back(&viewer);
  unwatched_.cancel();
}

void Turn::unwatch(Viewer& viewer) {
  std::erase(viewers_, &viewer);
  if (viewers_.empty() && !concluded_) unwatched_.arm(bounds_.unwatched_max);
}

void Turn::conclude() {
  concluded_ = true;
  unwatched_.cancel();
  on_gone_ = nullptr;
  if (answer_.state == MessageState::running) answer_.state = stopped_ ? MessageState::stopped : MessageState::failed;
  if (answer_.state == MessageState::failed && answer_.error_message.empty()) {
    answer_.error_message = "The answer could not be finished.";
    answer_.error_message_da = "Svaret kunne ikke gøres færdigt.";
  }
}

void Turn::end(Instant now) {
  ended_at_ = now;
  tell();
}

void Turn::fail(const openai::ApiError& error) {
  answer_.state = MessageState::failed;
  if (error.cause == openai::Cause::context_length_exceeded) answer_.limit = store::MessageLimit::context;
  // An upstream may quote the question in what it refuses, and this is kept as it is, not sealed.
  answer_.error_message =
      error.cause == openai::Cause::invalid_value ? "The model did not accept this conversation." : error.message;
  answer_.error_message_da = error.danish();
}

void Turn::open(const gateway::AnswerTimes&) {
  opened_ = true;
  waiting_.reset();
}

void Turn::event(std::string_view data) {
  if (stopped_) return;  // the rest of what was on its way
  auto root = scratch_.parse(data);
  if (!root) return;
  if (const auto usage = root->find("usage"); usage && counts_) {
    const auto count = [&](std::string_view name) {
      const auto value = usage->find(name);
      return static_cast<std::uint32_t>(value ? value->integer().value_or(0) : 0);
    };
    if (!usage->is_null()) {
      answer_.input_tokens = count("prompt_tokens");
      answer_.output_tokens = count("completion_tokens");
    }
  }
  const auto choices = root->find("choices");
  if (!choices) return;
  std::string unescaped;
  for (const json::Value choice : choices->items()) {
    const auto delta = choice.find("delta");
    const auto content = delta ? delta->find("content") : std::nullopt;
    if (content && content->kind() == json::Kind::text) answer_.content += content->text_view(unescaped);
    const auto reason = choice.find("finish_reason");
    if (reason && reason->text_is("length")) answer_.limit = store::MessageLimit::tokens;
  }
  if (answer_.content.size() > bounds_.text_bytes_max)
    break_off("The answer became too long and was cut off here.", "Svaret blev for langt og er skåret af her.");
}

void Turn::waiting(const rpc::Waiting& waiting) {
  waiting_ = waiting;
  tell();
}

// Viewers wake on this stack and may leave while the others are told.
void Turn::tell() {
  const std::vector<Viewer*> now = viewers_;
  for (Viewer* viewer : now)
    if (std::ranges::find(viewers_, viewer) != viewers_.end()) viewer->wake.set();
}

}  // namespace faelled::portal
