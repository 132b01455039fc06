// A body of /v1/responses: refused with a 400 that is told, or a chat body that passes what every chat body must pass.
#include "openai/responses/translate.hpp"
#include "translation_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  using namespace faelled;
  static json::Document document;
  auto asked = openai::responses::translate({reinterpret_cast<const char*>(data), bytes}, document);
  if (!asked) return fuzz::refused(openai::responses::in_own_names(asked.error()));
  const std::string echoed = "{\"id\":1" + asked->echo + "}";
  if (!document.parse(echoed) || echoed.find('\n') != echoed.npos) std::abort();
  return fuzz::translated(std::move(asked->chat_body), openai::responses::in_own_names);
}
