// Who decides which model is in the memory of sim/turns.hpp: our planner, or a rule that others use. Spoken to in the
// planner's own events and actions.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "residency/planner.hpp"
#include "sim/ranks.hpp"

namespace faelled::sim {

class Chooser {
 public:
  virtual ~Chooser() = default;
  virtual std::vector<residency::Action> step(Instant now, const residency::Event& event) = 0;
  virtual Instant wake() const = 0;
  // Of loads that nobody asked for; a rule has none.
  virtual residency::Counts counts() const { return {}; }
  // What a ticket of this model that comes now is promised to wait at most; a rule promises nothing.
  virtual std::optional<Duration> promise(residency::ModelNumber, Instant) const { return std::nullopt; }
};

class Planned final : public Chooser {
 public:
  explicit Planned(const residency::Settings& settings) : planner_(settings) {}
  std::vector<residency::Action> step(Instant now, const residency::Event& event) override {
    const auto actions = planner_.step(now, event);
    return {actions.begin(), actions.end()};
  }
  Instant wake() const override { return planner_.wake(); }
  residency::Counts counts() const override { return planner_.counts(); }
  std::optional<Duration> promise(residency::ModelNumber model, Instant now) const override {
    return planner_.promise(model, now);
  }

 private:
  residency::Planner planner_;
};

// The model of the oldest ticket comes next; unused models go at once, the least recently used first, or by another
// rank (tickets are the trace's rows then); one in use is drained once it was there for `tenure` and `ratio` times as
// many wait for the absent one.
class Ruled final : public Chooser {
 public:
  struct Rule {
    Duration tenure{};
    double ratio = 0;
    bool one_line = false;  // nobody overtakes: only the very oldest ticket matters
  };
  explicit Ruled(const Rule& rule, std::unique_ptr<Rank> rank = nullptr) : rule_(rule), rank_(std::move(rank)) {}

  std::vector<residency::Action> step(Instant now, const residency::Event& event) override;
  Instant wake() const override { return wake_; }

 private:
  enum class Where : std::uint8_t { absent, loading, ready, draining };
  struct Entry {
    std::uint64_t bytes = 1;
    Where where = Where::absent;
    std::vector<residency::TicketNumber> waiting;  // oldest first
    std::uint32_t running = 0;
    Instant ready_at{};
    Instant used_at{};
  };

  void heed(const residency::Event& event);
  void plan(std::vector<residency::Action>& actions);
  bool make_room(residency::ModelNumber wanted, std::vector<residency::Action>& actions);
  void go(residency::ModelNumber model, std::vector<residency::Action>& actions);
  std::vector<residency::ModelNumber> wanted() const;

  Rule rule_;
  std::unique_ptr<Rank> rank_;
  std::vector<Entry> entries_;
  std::vector<std::pair<residency::TicketNumber, residency::ModelNumber>> running_;
  std::uint64_t bytes_ = 0;
  std::uint64_t taken_ = 0;
  residency::ModelNumber coming_ = residency::no_model;
  Instant now_{};
  Instant wake_ = Instant::max();
};

}  // namespace faelled::sim
