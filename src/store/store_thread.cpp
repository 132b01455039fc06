#include "store/store_thread.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/check.hpp"

namespace faelled::store {

class StoreThread::Body {
 public:
  Body(std::unique_ptr<Store> store, std::size_t waiting_max)
      : store_(std::move(store)), waiting_max_(waiting_max), thread_([this] { run(); }) {}

  Expected<void> post(Job job) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return fail(Errc::unavailable, "the server is stopping");
      if (waiting_.size() >= waiting_max_) {
        return fail(Errc::exhausted, "too many changes wait for the store", "try again in a moment");
      }
      waiting_.push_back(std::move(job));
    }
    comes_.notify_one();
    return {};
  }

  bool available() const { return available_.load(std::memory_order_relaxed); }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    comes_.notify_one();
    if (thread_.joinable()) thread_.join();
    store_.reset();
  }

 private:
  void run() {
    for (;;) {
      Job job;
      {
        std::unique_lock lock(mutex_);
        comes_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        job = std::move(waiting_.front());
        waiting_.pop_front();
      }
      job(*store_);
      available_.store(store_->available(), std::memory_order_relaxed);
    }
  }

  std::unique_ptr<Store> store_;
  const std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable comes_;
  std::deque<Job> waiting_;
  bool stopping_ = false;
  std::atomic<bool> available_ = true;
  std::thread thread_;
};

StoreThread::StoreThread(std::unique_ptr<Store> store, Post back, std::size_t waiting_max)
    : back_(std::move(back)), body_(std::make_unique<Body>(std::move(store), waiting_max)) {}

StoreThread::~StoreThread() { stop(); }

Expected<void> StoreThread::post(Job job) { return body_->post(std::move(job)); }

bool StoreThread::available() const { return body_->available(); }

void StoreThread::stop() { body_->stop(); }

void StoreThread::run_and_wait(const Job& job) {
  std::mutex mutex;
  std::condition_variable ran;
  bool done = false;
  const auto posted = body_->post([&](Store& store) {
    job(store);
    const std::lock_guard lock(mutex);
    done = true;
    ran.notify_one();  // under the lock: the waiter takes both away
  });
  FAELLED_CHECK(posted, "start-up comes before the line is full and before stop()");
  std::unique_lock lock(mutex);
  ran.wait(lock, [&] { return done; });
}

}  // namespace faelled::store
