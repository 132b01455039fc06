// Metrics: what /metrics tells a Prometheus. One counter or histogram per thing that happens to a request, labelled by
// model, never by member or person (that is the ledger's). Buckets fit token streams: a token each few milliseconds, a
// first token in tenths of a second, waits of minutes. Owned by main(); the event loop's thread writes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace faelled::observe {

class Metrics {
 public:
  explicit Metrics(std::string_view version);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The series of one model, looked up once per request.
  class Model {
   public:
    struct Impl;
    void ended(std::string_view outcome) const;  // done | refused | cancelled | failed
    void queued(Duration wait) const;
    // `told`: how long the wait for an absent model was said to last; `took`: at least, where it ended in vain.
    void woke(Duration told, Duration took) const;
    void first_token(Duration since_admission) const;
    void between_tokens(Duration gap) const;
    void total(Duration since_admission) const;
    void tokens(std::uint32_t input, std::uint32_t cached, std::uint32_t output) const;
    void engine_restarted(std::uint64_t times) const;
    Impl* impl = nullptr;
  };
  Model model(const std::string& id);

  // Requests turned away before they had a model: wrong key, bad body, unknown path.
  void rejected(int status);

  // Both read at each scrape. A counter's reading never falls.
  void counter(const std::string& name, const std::string& help, std::function<double()> read);
  void gauge(const std::string& name, const std::string& help, std::function<double()> read,
             const std::map<std::string, std::string>& labels = {});

  struct Named {
    std::string name;
    std::string help;
    bool counts = false;  // a counter, which may begin anew: what it counts is told as it is
  };
  struct Shown {
    std::map<std::string, std::string> labels;
    std::vector<std::optional<double>> values;  // one for each name; nothing: no series
  };
  // Of what comes and goes: one reading at each scrape gives those that are worth a series now.
  void series(std::vector<Named> names, std::function<std::vector<Shown>()> read);

  // Prometheus text format 0.0.4.
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace faelled::observe
