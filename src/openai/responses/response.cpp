#include "openai/responses/response.hpp"

#include <algorithm>

namespace faelled::openai::responses {
namespace {

// The API has few codes for a failed response; the rest is the server's.
std::string_view failure_code(const ApiError& error) {
  if (error.status() == 429) return "rate_limit_exceeded";
  return error.status() < 500 ? "invalid_prompt" : "server_error";
}

}  // namespace

Response::Response(std::string_view number, std::string_view model, std::string_view echo, std::int64_t created_s)
    : number_(number), model_(model), echo_(echo), created_s_(created_s) {}

void Response::begin(std::string& out) {
  response_event("response.created", "in_progress", out);
  response_event("response.in_progress", "in_progress", out);
}

void Response::still(std::string& out) { response_event("response.in_progress", "in_progress", out); }

void Response::add(const ChatPiece& piece, std::string& out) {
  if (!piece.reasoning.empty()) grow(speaking(Kind::reasoning, out), piece.reasoning, out);
  if (!piece.text.empty()) grow(speaking(Kind::message, out), piece.text, out);
  for (const CallPiece& call : piece.calls) grow(calling(call, out), call.arguments, out);
  if (!piece.finish_reason.empty()) finish_reason_ = piece.finish_reason;
  if (piece.usage.known) {
    usage_ = piece.usage;
    reasoning_tokens_ = piece.reasoning_tokens;
  }
}

void Response::done(std::int64_t completed_s, std::string& out) {
  settle(out);
  if (cut_short()) return response_event("response.incomplete", "incomplete", out);
  response_event("response.completed", "completed", out, completed_s);
}

void Response::failed(const ApiError& error, std::string& out) {
  // SDKs raise what stands in `error`; the description of the API has the members beside it.
  json::Writer writer = event("error", out);
  const CauseRow& row = row_of(error.cause);
  writer.member_or_null("code", row.code ? row.code : "").member("message", error.message);
  writer.member_or_null("param", error.param).key("error").object();
  writer.member("type", row.type).member_or_null("code", row.code ? row.code : "").member("message", error.message);
  writer.member_or_null("param", error.param).member("message_da", error.danish()).close_object();
  end_event(writer, out);
  response_event("response.failed", "failed", out, 0, &error);
}

void Response::append_whole(std::int64_t completed_s, std::string& out) {
  std::string unseen;
  settle(unseen);
  append_response(cut_short() ? "incomplete" : "completed", completed_s, nullptr, out);
}

// An answer always has something, if only a message without a word.
void Response::settle(std::string& out) {
  if (items_.empty()) speaking(Kind::message, out);
  for (Item& item : items_) {
    if (item.open) close(item, out);
  }
}

// The item that is being said or thought, a new one where something else went before.
Response::Item& Response::speaking(Kind kind, std::string& out) {
  if (!items_.empty() && items_.back().kind == kind && items_.back().open) return items_.back();
  close_speech(out);
  Item& item = start(kind);
  announce(item, out);
  part_event("response.content_part.added", item, "", out);
  return item;
}

// Calls stay open until the end: engines may go on with any of them.
Response::Item& Response::calling(const CallPiece& piece, std::string& out) {
  const auto known = std::ranges::find_if(
      items_, [&](const Item& item) { return item.kind == Kind::call && item.call == piece.index; });
  if (known != items_.end()) return *known;
  close_speech(out);
  Item& item = start(Kind::call);
  item.call = piece.index;
  item.call_id = piece.id.empty() ? "call_" + number_ + "_" + std::to_string(piece.index) : piece.id;
  item.name = piece.name;
  announce(item, out);
  return item;
}

Response::Item& Response::start(Kind kind) {
  const char* prefix = kind == Kind::message ? "msg_" : kind == Kind::call ? "fc_" : "rs_";
  Item item{.kind = kind,
            .id = prefix + number_ + "_" + std::to_string(items_.size()),
            .text = {},
            .call_id = {},
            .name = {}};
  return items_.emplace_back(std::move(item));
}

void Response::announce(const Item& item, std::string& out) {
  json::Writer writer = event("response.output_item.added", out);
  writer.member("output_index", &item - items_.data()).key("item");
  append_item(writer, item, "in_progress");
  end_event(writer, out);
}

void Response::grow(Item& item, std::string_view more, std::string& out) {
  if (more.empty()) return;
  item.text += more;
  bytes_ += more.size();
  const std::string_view type = item.kind == Kind::message ? "response.output_text.delta"
                                : item.kind == Kind::call  ? "response.function_call_arguments.delta"
                                                           : "response.reasoning_text.delta";
  json::Writer writer = event(type, out);
  place(writer, item);
  writer.member("delta", more);
  if (item.kind == Kind::message) writer.key("logprobs").array().close_array();
  end_event(writer, out);
}

void Response::close_speech(std::string& out) {
  if (!items_.empty() && items_.back().open && items_.back().kind != Kind::call) close(items_.back(), out);
}

void Response::close(Item& item, std::string& out) {
  item.open = false;
  const bool is_call = item.kind == Kind::call;
  json::Writer writer = event(is_call                      ? "response.function_call_arguments.done"
                              : item.kind == Kind::message ? "response.output_text.done"
                                                           : "response.reasoning_text.done",
                              out);
  place(writer, item);
  if (is_call) writer.member("name", item.name);
  writer.member(is_call ? "arguments" : "text", item.text);
  if (item.kind == Kind::message) writer.key("logprobs").array().close_array();
  end_event(writer, out);
  if (!is_call) part_event("response.content_part.done", item, item.text, out);
  json::Writer last = event("response.output_item.done", out);
  last.member("output_index", &item - items_.data()).key("item");
  append_item(last, item, cut_short() ? "incomplete" : "completed");
  end_event(last, out);
}

json::Writer Response::event(std::string_view type, std::string& out) {
  out.append("event: ").append(type).append("\ndata: ");
  json::Writer writer(out);
  writer.object().member("type", type).member("sequence_number", sequence_++);
  return writer;
}

void Response::end_event(json::Writer& writer, std::string& out) {
  writer.close_object();
  out += "\n\n";
}

void Response::place(json::Writer& writer, const Item& item) const {
  writer.member("item_id", item.id).member("output_index", &item - items_.data());
  if (item.kind != Kind::call) writer.member("content_index", 0);
}

void Response::part_event(std::string_view type, const Item& item, std::string_view text, std::string& out) {
  json::Writer writer = event(type, out);
  place(writer, item);
  writer.key("part");
  append_part(writer, item, text);
  end_event(writer, out);
}

void Response::append_part(json::Writer& writer, const Item& item, std::string_view text) const {
  const bool said = item.kind == Kind::message;
  writer.object().member("type", said ? "output_text" : "reasoning_text").member("text", text);
  if (said) writer.key("annotations").array().close_array().key("logprobs").array().close_array();
  writer.close_object();
}

void Response::append_item(json::Writer& writer, const Item& item, std::string_view status) const {
  const bool begun = status != "in_progress";
  writer.object().member("id", item.id);
  if (item.kind == Kind::call) {
    writer.member("type", "function_call").member("status", status).member("call_id", item.call_id);
    writer.member("name", item.name).member("arguments", begun ? item.text : std::string()).close_object();
    return;
  }
  const bool said = item.kind == Kind::message;
  writer.member("type", said ? "message" : "reasoning").member("status", status);
  if (said) writer.member("role", "assistant");
  if (!said) writer.key("summary").array().close_array();
  writer.key("content").array();
  if (begun) append_part(writer, item, item.text);
  writer.close_array().close_object();
}

void Response::append_response(std::string_view status, std::int64_t completed_s, const ApiError* error,
                               std::string& out) const {
  json::Writer writer(out);
  writer.object().member("id", "resp_" + number_).member("object", "response").member("created_at", created_s_);
  writer.member("status", status).key("completed_at");
  status == "completed" ? writer.integer(completed_s) : writer.null();
  writer.member("model", model_).key("error");
  if (error) {
    writer.object().member("code", failure_code(*error)).member("message", error->message).close_object();
  } else {
    writer.null();
  }
  writer.key("incomplete_details");
  if (status == "incomplete") {
    writer.object()
        .member("reason", finish_reason_ == "length" ? "max_output_tokens" : "content_filter")
        .close_object();
  } else {
    writer.null();
  }
  writer.key("output").array();
  if (status != "in_progress") {
    for (const Item& item : items_) append_item(writer, item, item.open || cut_short() ? "incomplete" : "completed");
  }
  writer.close_array().key("usage");
  if (status == "in_progress" || !usage_.known) {
    writer.null();
  } else {
    writer.object().member("input_tokens", usage_.prompt_tokens).key("input_tokens_details").object();
    writer.member("cached_tokens", usage_.cached_tokens).member("cache_write_tokens", 0).close_object();
    writer.member("output_tokens", usage_.output_tokens).key("output_tokens_details").object();
    writer.member("reasoning_tokens", reasoning_tokens_).close_object();
    writer.member("total_tokens", std::uint64_t{usage_.prompt_tokens} + usage_.output_tokens).close_object();
  }
  out += echo_;
  writer.close_object();
}

void Response::response_event(std::string_view type, std::string_view status, std::string& out,
                              std::int64_t completed_s, const ApiError* error) {
  json::Writer writer = event(type, out);
  writer.key("response");
  append_response(status, completed_s, error, out);
  end_event(writer, out);
}

}  // namespace faelled::openai::responses
