// A body of /v1/messages: refused with a 400 that is told, or a chat body that passes what every chat body must pass.
#include "openai/anthropic/translate.hpp"
#include "translation_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  using namespace faelled;
  static json::Document document;
  auto asked = openai::anthropic::translate({reinterpret_cast<const char*>(data), bytes}, document);
  if (!asked) return fuzz::refused(openai::anthropic::in_own_names(asked.error()));
  return fuzz::translated(std::move(asked->chat_body), openai::anthropic::in_own_names);
}
