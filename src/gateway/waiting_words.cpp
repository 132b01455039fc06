#include "gateway/waiting_words.hpp"

#include <fmt/format.h>

#include "json/writer.hpp"

namespace faelled::gateway {
namespace {

// 1, 2, … 10, 20, … 60, 120, …: what a person makes a difference of.
std::int64_t rounded_s(Duration wait) {
  const std::int64_t s = std::max<std::int64_t>(1, to_millis(wait) / 1000);
  const std::int64_t step = s <= 10 ? 1 : s <= 60 ? 10 : 60;
  return (s + step - 1) / step * step;
}

}  // namespace

std::string waiting_words(store::ShowWaiting language, const rpc::Waiting& waiting) {
  const bool danish = language == store::ShowWaiting::da;
  std::string words = danish ? fmt::format("Venter i kø: nummer {}.", waiting.position)
                             : fmt::format("Waiting in line: number {}.", waiting.position);
  if (waiting.model_ready) return words + "\n";
  std::string when;
  if (waiting.ready_in > Duration{})
    when = fmt::format(fmt::runtime(danish ? "ca. {} s" : "about {} s"), rounded_s(waiting.ready_in));
  if (waiting.promised > Duration{}) {
    if (!when.empty()) when += ", ";
    when += fmt::format(fmt::runtime(danish ? "højst {} s" : "at most {} s"), rounded_s(waiting.promised));
  }
  words += danish ? " Modellen gøres klar" : " The model is being made ready";
  if (!when.empty()) words += " (" + when + ")";
  return words + ".\n";
}

std::string waiting_chunk(std::string_view words, std::string_view request_id, std::string_view model,
                          std::int64_t created_s) {
  std::string out;
  json::Writer(out)
      .object()
      .member("id", fmt::format("chatcmpl-{}", request_id))
      .member("object", "chat.completion.chunk")
      .member("created", created_s)
      .member("model", model)
      .key("choices")
      .array()
      .object()
      .member("index", 0)
      .key("delta")
      .object()
      .member("reasoning_content", words)
      .close_object()
      .member("finish_reason", nullptr)
      .close_object()
      .close_array()
      .close_object();
  return out;
}

}  // namespace faelled::gateway
