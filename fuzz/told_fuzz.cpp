// A chat stream, one chunk a line, as both protocols tell it: every frame is one event of JSON with its type in both
// places, numbered without a gap, and no more blocks or items are closed than were begun.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "openai/anthropic/message.hpp"
#include "openai/responses/response.hpp"

namespace {

using namespace faelled;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Counts {
  int begun = 0, closed = 0, events = 0;
};

Counts read(std::string_view frames, bool numbered) {
  static json::Document document;
  Counts counts;
  while (!frames.empty()) {
    // Frames are read by hand: the parser bounds an event, and one that tells the whole answer again may be longer.
    require(frames.starts_with("event: "));
    const std::size_t name_end = frames.find('\n'), end = frames.find("\n\n");
    require(end != frames.npos && frames.substr(name_end + 1).starts_with("data: "));
    const std::string_view name = frames.substr(7, name_end - 7);
    const std::string_view data = frames.substr(name_end + 7, end - name_end - 7);
    frames.remove_prefix(end + 2);
    require(data.find_first_of("\r\n") == data.npos);
    const auto root = document.parse(data);
    require(root && root->find("type")->text_is(name));
    if (numbered) require(root->find("sequence_number")->integer() == counts.events);
    ++counts.events;
    counts.begun += name == "response.output_item.added" || name == "content_block_start";
    counts.closed += name == "response.output_item.done" || name == "content_block_stop";
    require(counts.closed <= counts.begun);
  }
  return counts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  if (bytes == 0) return 0;
  static json::Document document;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, bytes - 1);
  const bool breaks = data[0] & 1, thinking = data[0] & 2, each_whole = data[0] & 4;
  openai::responses::Response response("01ABC", "m\"", ",\"metadata\":{}", 1);
  openai::anthropic::Message message("01ABC", "m\"", 7, thinking);
  std::string responses, messages;
  int wholes_left = 4;  // each is a document to read: a thousand empty lines would be a thousand of them
  response.begin(responses);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const openai::ChatPiece piece = openai::read_chat_piece(rest.substr(0, end), document);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    response.add(piece, responses);
    message.add(piece, messages);
    if ((!each_whole && !rest.empty()) || --wholes_left < 0) continue;
    std::string whole;
    openai::anthropic::Message("01ABC", "m", 7, thinking).append_whole(piece, document, whole);
    require(document.parse(whole).has_value());
  }
  if (breaks) {
    response.failed({openai::Cause::engine_failed, "x"}, responses);
  } else {
    response.done(2, responses);
    message.done(messages);
  }
  const Counts told = read(responses, true), blocks = read(messages, false);
  if (!breaks) require(told.begun == told.closed && blocks.begun == blocks.closed);
  std::string whole;
  response.append_whole(2, whole);
  require(document.parse(whole).has_value());
  return 0;
}
