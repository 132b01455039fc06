#include "sim/turn_choosers.hpp"

#include <algorithm>
#include <tuple>

namespace faelled::sim {

using residency::Action;
using residency::ModelNumber;
using residency::no_model;

std::vector<Action> Ruled::step(Instant now, const residency::Event& event) {
  now_ = now;
  heed(event);
  std::vector<Action> actions;
  plan(actions);
  return actions;
}

void Ruled::heed(const residency::Event& event) {
  if (const auto* device = std::get_if<residency::DeviceIs>(&event)) {
    bytes_ = device->bytes;
  } else if (const auto* is = std::get_if<residency::ModelIs>(&event)) {
    if (is->model >= entries_.size()) entries_.resize(is->model + 1);
    entries_[is->model].bytes = is->bytes;
  } else if (const auto* arrived = std::get_if<residency::Arrived>(&event)) {
    entries_[arrived->model].waiting.push_back(arrived->ticket);
    if (!rank_) return;
    rank_->asked(arrived->model, static_cast<RequestId>(arrived->ticket));
    const Where where = entries_[arrived->model].where;
    if (where == Where::ready || where == Where::loading) rank_->kept(arrived->model);
  } else if (const auto* started = std::get_if<residency::Started>(&event)) {
    for (ModelNumber m = 0; m < entries_.size(); ++m) {
      if (std::erase(entries_[m].waiting, started->ticket) == 0) continue;
      ++entries_[m].running;
      entries_[m].used_at = now_;
      running_.emplace_back(started->ticket, m);
    }
  } else if (const auto* ended = std::get_if<residency::Ended>(&event)) {
    const auto found = std::ranges::find(running_, ended->ticket, &decltype(running_)::value_type::first);
    if (found == running_.end()) return;
    --entries_[found->second].running;
    entries_[found->second].used_at = now_;
    running_.erase(found);
  } else if (const auto* engine = std::get_if<residency::EngineIs>(&event)) {
    Entry& entry = entries_[engine->model];
    if (entry.where != Where::loading) return;
    entry.where = Where::ready;
    entry.ready_at = entry.used_at = now_;
    if (coming_ == engine->model) coming_ = no_model;
  } else if (const auto* gone = std::get_if<residency::EngineGone>(&event)) {
    entries_[gone->model].where = Where::absent;
    taken_ -= entries_[gone->model].bytes;
  }
}

// Those absent with somebody waiting, the oldest ticket first; of one line its head alone.
std::vector<ModelNumber> Ruled::wanted() const {
  std::vector<ModelNumber> all;
  for (ModelNumber m = 0; m < entries_.size(); ++m)
    if (!entries_[m].waiting.empty()) all.push_back(m);
  std::ranges::sort(all, {}, [this](ModelNumber m) { return entries_[m].waiting.front(); });
  if (rule_.one_line && all.size() > 1) all.resize(1);
  std::erase_if(all, [this](ModelNumber m) { return entries_[m].where != Where::absent; });
  return all;
}

void Ruled::plan(std::vector<Action>& actions) {
  wake_ = Instant::max();
  for (ModelNumber m = 0; m < entries_.size(); ++m)
    if (entries_[m].where == Where::draining && entries_[m].running == 0) {
      entries_[m].where = Where::absent;  // its bytes are taken until it is said to have gone
      actions.emplace_back(residency::Unload{m});
    }
  const auto load = [&](ModelNumber m) {
    taken_ += entries_[m].bytes;
    entries_[m].where = Where::loading;
    if (rank_) rank_->kept(m);
    actions.emplace_back(residency::Load{m});
  };
  if (coming_ != no_model) {
    if (entries_[coming_].where == Where::absent && taken_ + entries_[coming_].bytes <= bytes_) load(coming_);
    return;
  }
  for (const ModelNumber m : wanted()) {
    if (taken_ + entries_[m].bytes <= bytes_) {
      load(m);
    } else if (make_room(m, actions)) {
      coming_ = m;
      return;
    }
  }
}

void Ruled::go(ModelNumber model, std::vector<Action>& actions) {
  if (rank_) rank_->evicted(model);
  if (entries_[model].running > 0) {
    entries_[model].where = Where::draining;
    actions.emplace_back(residency::Drain{model});
  } else {
    entries_[model].where = Where::absent;
    actions.emplace_back(residency::Unload{model});
  }
}

bool Ruled::make_room(ModelNumber wanted, std::vector<Action>& actions) {
  std::vector<ModelNumber> yielding;
  for (ModelNumber m = 0; m < entries_.size(); ++m) {
    const Entry& entry = entries_[m];
    if (entry.where != Where::ready) continue;
    const bool unused = entry.running == 0 && (entry.waiting.empty() || rule_.one_line);
    const bool waited_for =
        static_cast<double>(entries_[wanted].waiting.size()) >= rule_.ratio * static_cast<double>(entry.waiting.size());
    if (!unused && now_ < entry.ready_at + rule_.tenure) {
      wake_ = std::min(wake_, entry.ready_at + rule_.tenure);
    } else if (unused || waited_for) {
      yielding.push_back(m);
    }
  }
  std::ranges::sort(yielding, {}, [this](ModelNumber m) {
    const bool in_use = entries_[m].running > 0 || !entries_[m].waiting.empty();
    return std::tuple(in_use, rank_ ? rank_->of(m) : 0, entries_[m].used_at);
  });
  std::uint64_t room = bytes_ - taken_;
  std::size_t count = 0;
  for (; count < yielding.size() && room < entries_[wanted].bytes; ++count) room += entries_[yielding[count]].bytes;
  if (room < entries_[wanted].bytes) return false;
  for (std::size_t i = 0; i < count; ++i) go(yielding[i], actions);
  return true;
}

}  // namespace faelled::sim
