// Queue: which file is fetched next, and when again after a failure. Pure: time comes with each call. One at a time, in
// the order in which they were wanted, but first what somebody waits for. Owned by main(); one thread.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "fetch/failure.hpp"

namespace faelled::fetch {

class Queue {
 public:
  enum class State : std::uint8_t { waiting, fetching, failed };
  struct Entry {
    std::string model;
    State state = State::waiting;
    bool hurried = false;
    std::uint32_t tries = 0;  // in a row that brought nothing
    std::uint64_t most = 0;   // bytes that were ever here when one ended
    Instant again{};          // waiting: not before
    Failure failure;          // the last one; failed, or waiting with tries > 0
  };

  // At the end of the line. One that waits keeps its place and one that failed comes first, both at once and with all
  // their tries anew; one that is being fetched stays as it is.
  void want(const std::string& model, Instant now);
  // Somebody waits for it: next, once what is fetched now has ended.
  void hurry(const std::string& model);
  // True: it is being fetched, and whoever does so must be told to stop; ended() is still to come.
  bool forget(const std::string& model);

  // The next one, which counts as being fetched from now on; nothing while another one is.
  std::optional<std::string> begin(Instant now);
  // `failure`: none, it is here. `here`: bytes of it that are; more than ever before count as a first try, but not
  // those that come again and again.
  void ended(const std::optional<Failure>& failure, std::uint64_t here, Instant now);

  const Entry* find(const std::string& model) const;
  // When begin() may have something new; Instant::max(): only after another call.
  Instant wake() const;

 private:
  Entry* entry(const std::string& model);

  std::list<Entry> entries_;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_model_;
  bool any_hurried_ = false;  // among those that wait
  bool busy_ = false;
};

}  // namespace faelled::fetch
