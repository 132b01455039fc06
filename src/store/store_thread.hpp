// StoreThread: owns the Store and the one thread that may touch it, so the event loop never waits for a disk. Jobs run
// in the order they were posted; what they give is handed back through the caller's `Post`, on the event loop. The line
// is bounded (limits::store_jobs_waiting_max): a full one refuses. main() owns it and stops it before the loop goes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "store/store.hpp"

namespace faelled::store {

// Runs a closure on the event loop; callable from any thread.
using Post = std::function<void(std::function<void()>)>;

class StoreThread {
 public:
  using Job = std::function<void(Store&)>;

  StoreThread(std::unique_ptr<Store> store, Post back, std::size_t waiting_max = limits::store_jobs_waiting_max);
  ~StoreThread();  // stop()
  StoreThread(const StoreThread&) = delete;
  StoreThread& operator=(const StoreThread&) = delete;

  // From any thread: did the store answer the last job?
  bool available() const;

  // From any thread. Errors: exhausted (the line is full), unavailable (stopped).
  Expected<void> post(Job job);

  // From any thread: runs `job` on the store's thread and then `then` on the event loop, exactly once. A refused job
  // reaches `then` as an error, through the loop as well. J: Expected<T>(Store&).
  template <class J, class T = std::invoke_result_t<J&, Store&>>
  void ask(J job, std::function<void(T)> then) {
    auto posted = post([this, job = std::move(job), then](Store& store) mutable {
      // Shared because std::function wants its closure copyable, and a T need not be.
      auto given = std::make_shared<T>(job(store));
      back_([then, given] { then(std::move(*given)); });
    });
    if (!posted) back_([then, error = posted.error()] { then(T(std::unexpected(error))); });
  }

  // Runs `job` on the store's thread and waits for it: for start-up and tests, never on the event loop.
  template <class J, class T = std::invoke_result_t<J&, Store&>>
  T wait_for(J job) {
    std::shared_ptr<T> given;
    run_and_wait([&](Store& store) { given = std::make_shared<T>(job(store)); });
    return std::move(*given);
  }

  // Runs what waits, then ends the thread and closes the store. Later posts are refused.
  void stop();

 private:
  void run_and_wait(const Job& job);

  class Body;
  Post back_;
  std::unique_ptr<Body> body_;
};

}  // namespace faelled::store
