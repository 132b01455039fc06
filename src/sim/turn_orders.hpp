// In which order the waiting of sim/turns.hpp are served: each order is told which models take how many, and says who
// starts.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "commons/scheduler.hpp"
#include "sim/trace.hpp"
#include "sim/world.hpp"

namespace faelled::sim {

class Order {
 public:
  virtual ~Order() = default;
  virtual void arrived(Instant now, RequestId row) = 0;
  virtual void ended(Instant now, RequestId row) = 0;
  // Granted, and its model takes none any more: it waits where it waited.
  virtual void returned(Instant now, RequestId row) = 0;
  virtual void serves(Instant now, std::uint32_t model, std::uint32_t places) = 0;  // 0: takes none
  // Who starts now, since this was last asked.
  std::vector<RequestId> granted() { return std::exchange(granted_, {}); }

 protected:
  std::vector<RequestId> granted_;
};

// By arrival, in a line for each model.
class ArrivalOrder final : public Order {
 public:
  explicit ArrivalOrder(const Trace& trace) : trace_(trace), lines_(trace.models.size()) {}
  void arrived(Instant, RequestId row) override {
    lines_[trace_.requests[row].model].waiting.push_back(row);
    grant(lines_[trace_.requests[row].model]);
  }
  void ended(Instant, RequestId row) override {
    --lines_[trace_.requests[row].model].running;
    grant(lines_[trace_.requests[row].model]);
  }
  void returned(Instant, RequestId row) override {
    --lines_[trace_.requests[row].model].running;
    lines_[trace_.requests[row].model].waiting.push_front(row);
  }
  void serves(Instant, std::uint32_t model, std::uint32_t places) override {
    lines_[model].places = places;
    grant(lines_[model]);
  }

 private:
  struct Line {
    std::deque<RequestId> waiting;
    std::uint32_t running = 0;
    std::uint32_t places = 0;
  };
  void grant(Line& line) {
    for (; line.running < line.places && !line.waiting.empty(); ++line.running) {
      granted_.push_back(line.waiting.front());
      line.waiting.pop_front();
    }
  }
  const Trace& trace_;
  std::vector<Line> lines_;
};

// By arrival, in one line for all: whose model is absent holds up everybody behind.
class OneLine final : public Order {
 public:
  explicit OneLine(const Trace& trace) : trace_(trace), running_(trace.models.size()), places_(trace.models.size()) {}
  void arrived(Instant, RequestId row) override {
    waiting_.push_back(row);
    grant();
  }
  void ended(Instant, RequestId row) override {
    --running_[trace_.requests[row].model];
    grant();
  }
  void returned(Instant, RequestId row) override {
    --running_[trace_.requests[row].model];
    waiting_.push_front(row);
  }
  void serves(Instant, std::uint32_t model, std::uint32_t places) override {
    places_[model] = places;
    grant();
  }

 private:
  void grant() {
    while (!waiting_.empty()) {
      const std::uint32_t model = trace_.requests[waiting_.front()].model;
      if (running_[model] >= places_[model]) return;
      ++running_[model];
      granted_.push_back(waiting_.front());
      waiting_.pop_front();
    }
  }
  const Trace& trace_;
  std::deque<RequestId> waiting_;
  std::vector<std::uint32_t> running_, places_;
};

// The commons, an engine for each model.
class FairOrder final : public Order {
 public:
  FairOrder(const Trace& trace, const World& world);
  void arrived(Instant now, RequestId row) override;
  void ended(Instant now, RequestId row) override;
  void returned(Instant now, RequestId row) override;
  void serves(Instant now, std::uint32_t model, std::uint32_t places) override;

 private:
  void step(Instant now, const commons::Event& event);
  const Trace& trace_;
  WorkPrice work_;
  commons::Scheduler scheduler_;
};

}  // namespace faelled::sim
