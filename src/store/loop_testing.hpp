// A stand-in for the event loop: runs what other threads post, on the test's thread, until something has happened.
// Only tests include this file.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>

#include "base/error.hpp"

namespace faelled::store {

class TestLoop {
 public:
  std::function<void(std::function<void()>)> poster() {
    return [this](std::function<void()> closure) {
      const std::lock_guard lock(mutex_);
      posted_.push_back(std::move(closure));
      comes_.notify_one();
    };
  }

  void run_until(const std::function<bool()>& happened) {
    while (!happened()) {
      std::unique_lock lock(mutex_);
      if (!comes_.wait_for(lock, std::chrono::seconds(30), [this] { return !posted_.empty(); })) {
        ADD_FAILURE() << "nothing was posted for 30 s";
        return;
      }
      auto closure = std::move(posted_.front());
      posted_.pop_front();
      lock.unlock();
      closure();
    }
  }

  // Calls `ask` with a callback and gives what the callback was called with.
  template <class T>
  Expected<T> result_of(const std::function<void(std::function<void(Expected<T>)>)>& ask) {
    std::optional<Expected<T>> given;
    ask([&](Expected<T> result) { given.emplace(std::move(result)); });
    EXPECT_FALSE(given) << "a callback never runs inside the call";
    run_until([&] { return given.has_value(); });
    if (!given) return fail(Errc::internal, "no answer came");
    return std::move(*given);
  }

 private:
  std::mutex mutex_;
  std::condition_variable comes_;
  std::deque<std::function<void()>> posted_;
};

class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "faelled-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TestFolder() {
    std::error_code none;
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all, none);
    std::filesystem::remove_all(path_, none);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace faelled::store
