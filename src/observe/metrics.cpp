#include "observe/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <vector>

#include "base/seconds.hpp"

namespace faelled::observe {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

const Buckets& wait_buckets() {
  static const Buckets all{0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600};
  return all;
}
const Buckets& ratio_buckets() {
  static const Buckets all{0.1, 0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 1.5, 2, 3, 5, 10};
  return all;
}
const Buckets& first_token_buckets() {
  static const Buckets all{0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 40, 80, 160};
  return all;
}
const Buckets& token_buckets() {
  static const Buckets all{0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04,
                           0.05,  0.075,  0.1,   0.15, 0.25,  0.5,  1,    2.5};
  return all;
}

void append(std::vector<prometheus::MetricFamily>& families, const std::vector<Metrics::Named>& names,
            const std::vector<Metrics::Shown>& all) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto& [name, help, counts] = names[i];
    prometheus::MetricFamily family{
        name, help, counts ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge, {}};
    for (const auto& [labels, values] : all) {
      if (!values.at(i)) continue;
      prometheus::ClientMetric& metric = family.metric.emplace_back();
      for (const auto& [label, value] : labels) metric.label.push_back({label, value});
      (counts ? metric.counter.value : metric.gauge.value) = *values[i];
    }
    if (!family.metric.empty()) families.push_back(std::move(family));
  }
}

}  // namespace

struct Metrics::Model::Impl {
  std::map<std::string, prometheus::Counter*, std::less<>> outcomes;
  prometheus::Histogram* queue;
  prometheus::Histogram* wake_ratio;
  prometheus::Histogram* first_token;
  prometheus::Histogram* between;
  prometheus::Histogram* total;
  prometheus::Counter* input;
  prometheus::Counter* cached;
  prometheus::Counter* output;
  prometheus::Counter* restarts;
};

struct Metrics::State {
  prometheus::Registry registry;
  std::map<std::string, Model::Impl, std::less<>> models;
  std::map<int, prometheus::Counter*> rejected;
  struct Reading {
    prometheus::Gauge* gauge;
    std::function<double()> read;
  };
  std::vector<Reading> readings;
  struct Count {
    prometheus::Counter* counter;
    std::function<double()> read;
  };
  std::vector<Count> counts;
  struct Series {
    std::vector<Named> names;
    std::function<std::vector<Shown>()> read;
  };
  std::vector<Series> series;
  prometheus::Family<prometheus::Counter>* rejections;

  prometheus::Counter& counter(const char* name, const char* help, const prometheus::Labels& labels) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
  }
  prometheus::Histogram& histogram(const char* name, const char* help, const prometheus::Labels& labels,
                                   const Buckets& buckets) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add(labels, buckets);
  }
};

Metrics::Metrics(std::string_view version) : state_(std::make_unique<State>()) {
  state_->rejections = &prometheus::BuildCounter()
                            .Name("faelled_rejected_total")
                            .Help("Requests turned away before they had a model, by status")
                            .Register(state_->registry);
  prometheus::BuildGauge()
      .Name("faelled_build_info")
      .Help("Always 1; the version is the label")
      .Register(state_->registry)
      .Add({{"version", std::string(version)}})
      .Set(1);
}
Metrics::~Metrics() = default;

Metrics::Model Metrics::model(const std::string& id) {
  if (const auto found = state_->models.find(id); found != state_->models.end()) return {&found->second};
  State& s = *state_;
  const prometheus::Labels labels{{"model", id}};
  Model::Impl made;
  for (const char* outcome : {"done", "refused", "cancelled", "failed"})
    made.outcomes[outcome] =
        &s.counter("faelled_requests_total", "Requests that ended, by outcome", {{"model", id}, {"outcome", outcome}});
  made.queue = &s.histogram("faelled_queue_seconds", "Admission to grant", labels, wait_buckets());
  made.wake_ratio = &s.histogram("faelled_wake_ratio",
                                 "Wait for an absent model, as a part of what it was said to be; of one that ended "
                                 "without a place after that time, what it had come to by then",
                                 labels, ratio_buckets());
  made.first_token =
      &s.histogram("faelled_first_token_seconds", "Admission to the first token", labels, first_token_buckets());
  made.between =
      &s.histogram("faelled_between_tokens_seconds", "From one streamed token to the next", labels, token_buckets());
  made.total = &s.histogram("faelled_request_seconds", "Admission to the end", labels, wait_buckets());
  const auto tokens = [&](const char* kind) {
    return &s.counter("faelled_tokens_total", "Tokens as the engines counted them", {{"model", id}, {"kind", kind}});
  };
  made.input = tokens("input");
  made.cached = tokens("cached");
  made.output = tokens("output");
  made.restarts = &s.counter("faelled_engine_restarts_total", "Engines that had to be started again", labels);
  return {&s.models.emplace(id, std::move(made)).first->second};
}

void Metrics::Model::ended(std::string_view outcome) const {
  if (const auto found = impl->outcomes.find(outcome); found != impl->outcomes.end()) found->second->Increment();
}
void Metrics::Model::queued(Duration wait) const { impl->queue->Observe(seconds(wait)); }
void Metrics::Model::woke(Duration told, Duration took) const {
  impl->wake_ratio->Observe(seconds(took) / seconds(told));
}
void Metrics::Model::first_token(Duration since) const { impl->first_token->Observe(seconds(since)); }
void Metrics::Model::between_tokens(Duration gap) const { impl->between->Observe(seconds(gap)); }
void Metrics::Model::total(Duration since) const { impl->total->Observe(seconds(since)); }
void Metrics::Model::tokens(std::uint32_t input, std::uint32_t cached, std::uint32_t output) const {
  impl->input->Increment(input);
  impl->cached->Increment(cached);
  impl->output->Increment(output);
}
void Metrics::Model::engine_restarted(std::uint64_t times) const {
  impl->restarts->Increment(static_cast<double>(times));
}

void Metrics::rejected(int status) {
  auto& counter = state_->rejected[status];
  if (counter == nullptr) counter = &state_->rejections->Add({{"status", std::to_string(status)}});
  counter->Increment();
}

void Metrics::counter(const std::string& name, const std::string& help, std::function<double()> read) {
  auto& made = prometheus::BuildCounter().Name(name).Help(help).Register(state_->registry).Add({});
  state_->counts.push_back({&made, std::move(read)});
}

void Metrics::gauge(const std::string& name, const std::string& help, std::function<double()> read,
                    const std::map<std::string, std::string>& labels) {
  auto& made = prometheus::BuildGauge().Name(name).Help(help).Register(state_->registry).Add(labels);
  state_->readings.push_back({&made, std::move(read)});
}

void Metrics::series(std::vector<Named> names, std::function<std::vector<Shown>()> read) {
  state_->series.push_back({std::move(names), std::move(read)});
}

std::string Metrics::text() const {
  for (const State::Reading& reading : state_->readings) reading.gauge->Set(reading.read());
  for (const State::Count& count : state_->counts) count.counter->Increment(count.read() - count.counter->Value());
  auto families = state_->registry.Collect();
  for (const State::Series& series : state_->series) append(families, series.names, series.read());
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace faelled::observe
