// A model whose files come slowly: nobody else waits for them.
#include <sys/stat.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/whole_file.hpp"
#include "node/node_testing.hpp"

namespace faelled::node {
namespace {

// A file that gives nothing until somebody writes into it: as a disk that hangs. If the loop hung with it, the test
// would too, so it is written in the end in any case.
class SlowFile {
 public:
  explicit SlowFile(std::string path) : path_(std::move(path)), text_(read_whole(path_).value_or("")) {
    std::filesystem::remove(path_);
    EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    writer_ = std::jthread([this] {
      std::unique_lock lock(mutex_);
      in_time_ = told_.wait_for(lock, 30s, [this] { return now_; });
      std::ofstream(path_) << text_;
    });
  }
  ~SlowFile() { give(); }
  void give() {
    const std::lock_guard lock(mutex_);
    now_ = true;
    told_.notify_one();
  }
  // False: nobody told it to give, and it had to.
  bool in_time() {
    const std::lock_guard lock(mutex_);
    return in_time_;
  }

 private:
  std::string path_, text_;
  std::mutex mutex_;
  std::condition_variable told_;
  bool now_ = false, in_time_ = true;
  std::jthread writer_;
};

using SlowFiles = VllmNode;

TEST_F(SlowFiles, AreReadBesideTheLoop) {
  SlowFile slow(folder + "/config.json");
  start();
  EXPECT_EQ(engine().state, EngineState::starting);
  let_go();  // the loop turns
  EXPECT_TRUE(slow.in_time());
  EXPECT_EQ(only_child(), 0);
  slow.give();
  EXPECT_TRUE(run_until(EngineState::ready));
}

TEST_F(SlowFiles, AreWaitedForByAStopThatStartsNothing) {
  SlowFile slow(folder + "/config.json");
  start();
  net::Timer later(loop, [&] { slow.give(); });
  later.arm(50ms);
  stop();
  EXPECT_TRUE(slow.in_time());
  EXPECT_TRUE(reports.back().engines.empty());
  EXPECT_EQ(only_child(), 0);
}

}  // namespace
}  // namespace faelled::node
