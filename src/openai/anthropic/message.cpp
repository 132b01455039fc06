#include "openai/anthropic/message.hpp"

#include <algorithm>

namespace faelled::openai::anthropic {
namespace {

constexpr std::uint32_t ping_every = 16;  // pieces of thought that the client does not see

json::Writer event(std::string_view type, std::string& out) {
  out.append("event: ").append(type).append("\ndata: ");
  json::Writer writer(out);
  writer.object().member("type", type);
  return writer;
}

void end_event(json::Writer& writer, std::string& out) {
  writer.close_object();
  out += "\n\n";
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

// What a model wrote as a call's arguments: an object, or what stands for one that is broken.
void append_input(json::Writer& writer, std::string_view arguments, json::Document& document) {
  const auto input = document.parse(arguments);
  if (input && input->kind() == json::Kind::object) {
    writer.raw(input->raw());
  } else if (is_blank(arguments)) {
    writer.object().close_object();
  } else {
    writer.object().member("invalid_json", arguments).close_object();
  }
}

}  // namespace

Message::Message(std::string_view number, std::string_view model, std::uint32_t prompt_tokens_estimate, bool thinking)
    : number_(number), model_(model), prompt_tokens_estimate_(prompt_tokens_estimate), thinking_(thinking) {}

void Message::ping(std::string& out) {
  json::Writer writer = event("ping", out);
  end_event(writer, out);
}

void Message::begin(std::string& out) {
  if (begun_) return;
  begun_ = true;
  json::Writer writer = event("message_start", out);
  writer.key("message").object().member("id", "msg_" + number_).member("type", "message");
  writer.member("role", "assistant").member("model", model_).key("content").array().close_array();
  writer.member("stop_reason", nullptr).member("stop_sequence", nullptr).key("usage").object();
  writer.member("input_tokens", prompt_tokens_estimate_).member("output_tokens", 0).close_object().close_object();
  end_event(writer, out);
}

void Message::add(const ChatPiece& piece, std::string& out) {
  begin(out);
  if (!piece.finish_reason.empty()) finish_reason_ = piece.finish_reason;
  if (piece.usage.known) usage_ = piece.usage;
  if (!piece.reasoning.empty() || !piece.text.empty() || !piece.calls.empty()) ++pieces_;
  if (!piece.reasoning.empty()) {
    if (thinking_ && !called_) {
      grow(Block::thinking, piece.reasoning, out);
    } else if (++unseen_ % ping_every == 0) {
      ping(out);
    }
  }
  if (!piece.text.empty()) {
    if (called_) {
      later_text_ += piece.text;
      bytes_ += piece.text.size();
    } else {
      grow(Block::text, piece.text, out);
    }
  }
  for (const CallPiece& call : piece.calls) add_call(call, out);
}

// The first call is told as it comes; engines may go on with any of them until the end, and a block cannot be opened
// twice.
void Message::add_call(const CallPiece& piece, std::string& out) {
  if (!called_) {
    called_ = true;
    call_ = piece.index;
    open(Block::call, out, &piece);
  }
  if (piece.index == call_) return grow(Block::call, piece.arguments, out);
  CallPiece& later = later_calls_[piece.index];
  later.index = piece.index;
  later.id += piece.id;
  later.name += piece.name;
  later.arguments += piece.arguments;
  bytes_ += piece.arguments.size();
}

void Message::done(std::string& out) {
  begin(out);
  for (const auto& [index, call] : later_calls_) {
    open(Block::call, out, &call);
    grow(Block::call, call.arguments, out);
  }
  if (!is_blank(later_text_)) grow(Block::text, later_text_, out);
  if (blocks_ == 0 && block_ == Block::none) open(Block::text, out);  // clients look at the first block
  close(out);
  json::Writer writer = event("message_delta", out);
  writer.key("delta").object().member("stop_reason", stop_reason()).member("stop_sequence", nullptr).close_object();
  writer.key("usage");
  append_usage(writer);
  end_event(writer, out);
  json::Writer stop = event("message_stop", out);
  end_event(stop, out);
}

void Message::open(Block block, std::string& out, const CallPiece* call) {
  close(out);
  block_ = block;
  json::Writer writer = event("content_block_start", out);
  writer.member("index", blocks_).key("content_block").object();
  if (call) {
    writer.member("type", "tool_use").member("id", call_id(*call)).member("name", call->name);
    writer.key("input").object().close_object();
  } else if (block == Block::text) {
    writer.member("type", "text").member("text", "");
  } else {
    writer.member("type", "thinking").member("thinking", "").member("signature", "");
  }
  writer.close_object();
  end_event(writer, out);
}

void Message::close(std::string& out) {
  if (block_ == Block::none) return;
  block_ = Block::none;
  json::Writer writer = event("content_block_stop", out);
  writer.member("index", blocks_++);
  end_event(writer, out);
}

void Message::grow(Block block, std::string_view text, std::string& out) {
  if (block_ != block) open(block, out);
  if (text.empty()) return;
  json::Writer writer = event("content_block_delta", out);
  writer.member("index", blocks_).key("delta").object();
  if (block == Block::text) {
    writer.member("type", "text_delta").member("text", text);
  } else if (block == Block::call) {
    writer.member("type", "input_json_delta").member("partial_json", text);
  } else {
    writer.member("type", "thinking_delta").member("thinking", text);
  }
  writer.close_object();
  end_event(writer, out);
}

void Message::append_whole(const ChatPiece& piece, json::Document& document, std::string& out) {
  std::string unseen;
  add(piece, unseen);
  json::Writer writer(out);
  writer.object().member("id", "msg_" + number_).member("type", "message").member("role", "assistant");
  writer.member("model", model_).key("content").array();
  if (thinking_ && !piece.reasoning.empty())
    writer.object()
        .member("type", "thinking")
        .member("thinking", piece.reasoning)
        .member("signature", "")
        .close_object();
  if (!piece.text.empty() || piece.calls.empty())
    writer.object().member("type", "text").member("text", piece.text).close_object();
  for (const CallPiece& call : piece.calls) {
    writer.object().member("type", "tool_use").member("id", call_id(call)).member("name", call.name).key("input");
    append_input(writer, call.arguments, document);
    writer.close_object();
  }
  writer.close_array().member("stop_reason", stop_reason()).member("stop_sequence", nullptr).key("usage");
  append_usage(writer);
  writer.close_object();
}

// Where the engine has not said, what was seen and what was reckoned.
void Message::append_usage(json::Writer& writer) const {
  const std::uint32_t prompt = usage_.known ? usage_.prompt_tokens : prompt_tokens_estimate_;
  writer.object().member("input_tokens", prompt - usage_.cached_tokens).member("cache_creation_input_tokens", 0);
  writer.member("cache_read_input_tokens", usage_.cached_tokens);
  writer.member("output_tokens", usage_.known ? usage_.output_tokens : pieces_).close_object();
}

// Chat says "stop" for a stop sequence too and does not tell which one.
std::string_view Message::stop_reason() const {
  if (finish_reason_ == "length") return "max_tokens";
  if (finish_reason_ == "content_filter") return "refusal";
  return called_ ? "tool_use" : "end_turn";
}

std::string Message::call_id(const CallPiece& call) const {
  return call.id.empty() ? "toolu_" + number_ + "_" + std::to_string(call.index) : call.id;
}

}  // namespace faelled::openai::anthropic
