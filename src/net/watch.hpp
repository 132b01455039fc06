// What else a loop can wait for: signals, and the exit of a child through its pidfd. Owned by whoever waits.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

namespace faelled::net {

class Loop;

// Calls `came` with the signal's number on the loop's thread, each time.
class Signals {
 public:
  Signals(Loop& loop, std::initializer_list<int> numbers, std::function<void(int)> came);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Calls `readable` once when `fd` (taken over and closed) becomes readable; a pidfd does when its process has ended.
class Readable {
 public:
  Readable(Loop& loop, int fd, std::function<void()> readable);
  ~Readable();
  Readable(const Readable&) = delete;
  Readable& operator=(const Readable&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace faelled::net
