#include "gateway/ending.hpp"

#include <fmt/format.h>

#include "gateway/refusal_words.hpp"

namespace faelled::gateway {
namespace {

using openai::ApiError;
using openai::Cause;

std::string_view cause_of(rpc::RefusalCause cause) {
  switch (cause) {
    case rpc::RefusalCause::queue_full:
      return "the line is full";
    case rpc::RefusalCause::waited_too_long:
      return "waited too long";
    case rpc::RefusalCause::model_failed:
      return "the model cannot be served";
    case rpc::RefusalCause::model_fetching:
      return "the model is being fetched";
    case rpc::RefusalCause::model_removed:
      return "the model was removed";
    case rpc::RefusalCause::shutting_down:
      break;
  }
  return "shutting down";
}

}  // namespace

Ending ending_of(Interrupt why, const Settings& settings) {
  switch (why) {
    case Interrupt::gone:
      return {rpc::Outcome::cancelled, "the client hung up"};
    case Interrupt::withdrawn:
      return {rpc::Outcome::cancelled, "another choice of the request failed"};
    case Interrupt::stopped:
      return {rpc::Outcome::cancelled, "its key or user was stopped",
              ApiError{Cause::invalid_api_key,
                       "This key or sign-in has been stopped.",
                       {},
                       {},
                       "Nøglen eller adgangen er blevet lukket."}};
    case Interrupt::revoked:
      return {rpc::Outcome::cancelled, "its place was needed"};
    case Interrupt::waited:
      return {rpc::Outcome::refused, "waited too long"};
    case Interrupt::total:
      return {rpc::Outcome::failed, "took too long",
              ApiError{Cause::engine_timeout,
                       fmt::format("The answer was not finished within {} s.", to_millis(settings.total_max) / 1000)}};
    case Interrupt::silence:
      break;
  }
  Ending silent{rpc::Outcome::failed, "the engine fell silent",
                ApiError{Cause::engine_timeout, fmt::format("The model gave no sign of life for {} s.",
                                                            to_millis(settings.silence_max) / 1000)}};
  silent.engine_fault = true;
  return silent;
}

Ending ending_of(const rpc::Refusal& refusal, const std::string& model) {
  return {rpc::Outcome::refused, std::string(cause_of(refusal.cause)), refusal_error(refusal, model)};
}

}  // namespace faelled::gateway
