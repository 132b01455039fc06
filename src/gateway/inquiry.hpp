// Inquiry: what is asked, of which model, and where the answer goes: the same at every attempt. Owned by its exchange;
// loop's thread.
#pragma once

#include <string>

#include "gateway/catalogue_model.hpp"
#include "gateway/sink.hpp"
#include "observe/metrics.hpp"
#include "openai/request.hpp"

namespace faelled::gateway {

struct Inquiry {
  openai::Request request;
  const CatalogueModel& model;
  std::string asked;        // catalogue id of the model, or of the adapter that was asked for
  std::string traceparent;  // as the client sent it, or empty
  observe::Metrics::Model metrics;
  AnswerSink& sink;
};

}  // namespace faelled::gateway
