// A store that is busy and whose line is full: what is posted is refused until it is let go. Only tests include this
// file.
#pragma once

#include <future>
#include <memory>
#include <thread>
#include <utility>

#include "store/store_thread.hpp"

namespace faelled::store {

class FullLine {
 public:
  explicit FullLine(StoreThread& thread) : thread_(thread) {
    const auto begun = std::make_shared<std::promise<void>>();
    post([begun, waits = go_on_.get_future().share()](Store&) {
      begun->set_value();
      waits.wait();
    });
    begun->get_future().wait();  // else it stands in line itself, and leaves a place free when it begins
    while (thread_.post([](Store&) {})) {
    }
  }
  ~FullLine() { let_go(); }
  FullLine(const FullLine&) = delete;
  FullLine& operator=(const FullLine&) = delete;

  void let_go() {
    if (!std::exchange(let_go_, true)) go_on_.set_value();
  }

  // Lets it go and waits until all that stood in line has been done.
  void drain() {
    let_go();
    const auto drained = std::make_shared<std::promise<void>>();
    post([drained](Store&) { drained->set_value(); });
    drained->get_future().wait();
  }

 private:
  void post(const StoreThread::Job& job) {
    while (!thread_.post(job)) std::this_thread::yield();
  }

  StoreThread& thread_;
  std::promise<void> go_on_;
  bool let_go_ = false;
};

}  // namespace faelled::store
