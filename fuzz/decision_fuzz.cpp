// Any bytes as a line of the decision log, as its files' first lines, as heads and as settings: what is read comes back
// as it was written, or is refused with a word for why.
#include <cstdlib>
#include <string>

#include "commons/event_text.hpp"
#include "decisions/chain.hpp"
#include "decisions/heads.hpp"

namespace {

using namespace faelled;

void as_decision(const std::string& text) {
  const auto decision = commons::read_decision(text);
  if (!decision) {
    if (decision.error().message.empty()) std::abort();
    return;
  }
  std::string written;
  commons::write_decision(written, decision->at, decision->event, decision->actions);
  const auto again = commons::read_decision(written);
  if (!again || *again != *decision) std::abort();
}

void as_settings(const std::string& text) {
  const auto settings = commons::read_settings(text);
  if (!settings) return;
  std::string written;
  commons::write_settings(written, *settings);
  const auto again = commons::read_settings(written);
  if (!again || *again != *settings) std::abort();
}

void as_chain(const std::string& text) {
  if (const auto line = decisions::read_sealed(text); line && !decisions::is_head(line->head)) std::abort();
  if (const auto head = decisions::read_file_head(text))
    if (const auto again = decisions::read_file_head(decisions::text_of(*head)); !again || *again != *head)
      std::abort();
  if (decisions::head_of("2026-01-01-000001.log", text).head.empty()) std::abort();
  const auto heads = decisions::read_heads(text);
  if (!heads) return;
  std::string written;
  for (const decisions::Head& head : *heads) written += decisions::text_of(head) + "\n";
  if (decisions::read_heads(written).value() != *heads) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  const std::string text(reinterpret_cast<const char*>(data), bytes);  // exactly its size, so that ASan sees overreads
  as_decision(text);
  as_settings(text);
  as_chain(text);
  return 0;
}
