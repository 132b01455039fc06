#include "node/gpu_watch.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace faelled::node {

struct GpuWatch::Shared {
  net::Loop& loop;
  Gpus gpus;
  Duration every;
  std::weak_ptr<Told> told;
  std::mutex mutex;
  std::condition_variable changed;
  int at_once = 0;  // readings that wait for nothing
  bool stop = false;
  bool ended = false;
};

GpuWatch::GpuWatch(net::Loop& loop, Gpus gpus, Duration every, Told told)
    : told_(std::make_shared<Told>(std::move(told))) {
  shared_ = std::make_shared<Shared>(loop, std::move(gpus), every, told_);
  thread_ = std::thread([shared = shared_] { run(*shared); });
}

GpuWatch::~GpuWatch() {
  constexpr auto patience = std::chrono::seconds(1);
  std::unique_lock lock(shared_->mutex);
  shared_->stop = true;
  shared_->changed.notify_all();
  const bool ended = shared_->changed.wait_for(lock, patience, [this] { return shared_->ended; });
  lock.unlock();
  if (ended) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void GpuWatch::now() {
  const std::lock_guard lock(shared_->mutex);
  shared_->at_once = 2;
  shared_->changed.notify_all();
}

void GpuWatch::run(Shared& shared) {
  std::unique_lock lock(shared.mutex);
  while (true) {
    shared.changed.wait_for(lock, shared.every, [&] { return shared.stop || shared.at_once > 0; });
    if (shared.stop) break;
    shared.at_once = std::max(0, shared.at_once - 1);
    lock.unlock();
    auto found = shared.gpus.read();
    lock.lock();
    // The loop lives as long as nobody has said stop.
    if (found && !shared.stop)
      shared.loop.post([weak = shared.told, all = std::move(*found)] {
        if (const auto told = weak.lock()) (*told)(all);
      });
  }
  shared.ended = true;
  shared.changed.notify_all();
}

}  // namespace faelled::node
