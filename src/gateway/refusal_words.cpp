#include "gateway/refusal_words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faelled::gateway {
namespace {

using openai::ApiError;
using openai::Cause;

// 1 … 10, 20 … 60, 120: nobody waits to the second, and a line that has stood still says nothing of the next one.
Duration retry_in(Duration turn_in) {
  const std::int64_t s = std::max<std::int64_t>(1, (to_millis(turn_in) + 999) / 1000);
  const std::int64_t step = s <= 10 ? 1 : s <= 60 ? 10 : 60;
  return std::min<Duration>(std::chrono::seconds((s + step - 1) / step * step), openai::retry_after_max);
}

}  // namespace

Words words_of(const rpc::TicketStatus& status) {
  switch (status.cause) {
    case rpc::WaitCause::none:
      break;
    case rpc::WaitCause::model_not_ready:
      return {fmt::format("The model '{}' is not ready yet", status.model),
              fmt::format("Modellen '{}' er ikke klar endnu", status.model)};
    case rpc::WaitCause::places:
      return {"Your organisation runs as many requests at once as its agreement allows",
              "I har så mange forespørgsler i gang på én gang, som jeres aftale giver plads til"};
    case rpc::WaitCause::colleagues:
      return {fmt::format("All places of '{}' are in use, and others of your organisation came first", status.model),
              fmt::format("Alle pladser på '{}' er i brug, og kolleger er før dig i køen", status.model)};
    case rpc::WaitCause::floor_claims:
      return {fmt::format("All places of '{}' are in use; your organisation uses {} % of its share and gets its turn",
                          status.model, status.share_percent),
              fmt::format("Alle pladser på '{}' er i brug; I bruger {} % af jeres andel og får jeres tur", status.model,
                          status.share_percent)};
    case rpc::WaitCause::borrowing:
      return {fmt::format("All places of '{}' are in use; your organisation uses {} % of its share", status.model,
                          status.share_percent),
              fmt::format("Alle pladser på '{}' er i brug; I bruger {} % af jeres andel", status.model,
                          status.share_percent)};
  }
  return {fmt::format("All places of '{}' are in use", status.model),
          fmt::format("Alle pladser på '{}' er i brug", status.model)};
}

ApiError waited_too_long(const std::optional<rpc::TicketStatus>& status, const std::string& model, Duration otherwise) {
  rpc::TicketStatus asked = status.value_or(rpc::TicketStatus{});
  if (!status) asked.model = model;
  const Duration again = asked.turn_in > Duration{} ? retry_in(asked.turn_in) : otherwise;
  const Words words = words_of(asked);
  ApiError error{
      Cause::waited_too_long, fmt::format("{}; try again in {} s.", words.en, to_millis(again) / 1000), {}, again};
  error.message_da = fmt::format("{}; prøv igen om {} s.", words.da, to_millis(again) / 1000);
  return error;
}

ApiError refusal_error(const rpc::Refusal& refusal, const std::string& model) {
  switch (refusal.cause) {
    case rpc::RefusalCause::queue_full: {
      const auto again_s = to_millis(refusal.retry_after) / 1000;
      ApiError error{
          Cause::queue_full,
          fmt::format("All places of '{}' are in use and its line is full; try again in {} s.", model, again_s),
          {},
          refusal.retry_after};
      error.message_da =
          fmt::format("Alle pladser på '{}' er i brug, og køen er fuld; prøv igen om {} s.", model, again_s);
      return error;
    }
    case rpc::RefusalCause::waited_too_long:
      return waited_too_long(std::nullopt, model, refusal.retry_after);
    case rpc::RefusalCause::model_failed:
      return {Cause::model_unavailable,
              fmt::format("The model '{}' cannot be used now; whoever operates the server sees why.", model),
              {},
              refusal.retry_after};
    case rpc::RefusalCause::model_fetching: {
      ApiError error{Cause::model_unavailable,
                     fmt::format("The model '{}' {}; try again then, or choose another one.", model, refusal.detail),
                     {},
                     refusal.retry_after};
      error.message_da =
          fmt::format("Modellen '{}' {}; prøv igen til den tid, eller vælg en anden.", model, refusal.detail_da);
      return error;
    }
    case rpc::RefusalCause::model_removed: {
      ApiError error{
          Cause::model_not_found,
          fmt::format("The model '{}' has been taken out of the catalogue meanwhile; choose another one.", model),
          "model"};
      error.message_da = fmt::format("Modellen '{}' er taget ud af kataloget imens; vælg en anden.", model);
      return error;
    }
    case rpc::RefusalCause::shutting_down:
      break;
  }
  return {Cause::shutting_down, "The server is being restarted; try again in a moment.", {}, refusal.retry_after};
}

}  // namespace faelled::gateway
