#include "decisions/decision_log.hpp"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/limits.hpp"
#include "commons/event_text.hpp"

namespace faelled::decisions {

// One job at a time for the writer. The caller's thread looks and waits; the writer is the thread's alone meanwhile.
class DecisionLog::Thread {
 public:
  enum class Job : std::uint8_t { none, write, close };

  explicit Thread(std::unique_ptr<LogWriter> writer) : writer_(std::move(writer)), thread_([this] { run(); }) {}
  ~Thread() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  bool busy() const {
    const std::lock_guard lock(mutex_);
    return job_ != Job::none;
  }
  Expected<void> result() const {
    const std::lock_guard lock(mutex_);
    return result_;
  }
  bool idle_and_well() const {
    const std::lock_guard lock(mutex_);
    return job_ == Job::none && result_;
  }
  // Only while it is not busy. Takes what `more` holds and leaves the room of what was written last.
  void begin(Job job, Unwritten& more, Instant now, WallTime wall) {
    {
      const std::lock_guard lock(mutex_);
      job_ = job;
      std::swap(batch_, more);
      now_ = now;
      wall_ = wall;
    }
    changed_.notify_all();
  }
  Expected<void> wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return job_ == Job::none; });
    return result_;
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return job_ != Job::none || ending_; });
      if (job_ == Job::none) return;
      lock.unlock();
      Expected<void> result = writer_->write(batch_, now_, wall_);
      if (result && job_ == Job::close) result = writer_->close(now_, wall_);
      batch_.pseudonyms.clear();
      batch_.lines.clear();
      batch_.lost = 0;
      lock.lock();
      result_ = std::move(result);
      job_ = Job::none;
      changed_.notify_all();
    }
  }

  std::unique_ptr<LogWriter> writer_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Job job_ = Job::none;
  Unwritten batch_;  // the thread's, while there is a job
  Instant now_;
  WallTime wall_;
  Expected<void> result_;
  bool ending_ = false;
  std::thread thread_;
};

Expected<std::unique_ptr<DecisionLog>> DecisionLog::open(LogOptions options, Instant now, WallTime wall,
                                                         Random& random) {
  namespace fs = std::filesystem;
  std::error_code code;
  if (fs::create_directories(options.folder, code)) fs::permissions(options.folder, fs::perms::owner_all, code);
  if (code) return fail(Errc::io, options.folder.string() + " cannot be made: " + code.message(), "check the rights");
  auto pseudonyms = Pseudonyms::open(options.folder / pseudonyms_file, random);
  if (!pseudonyms) return std::unexpected(pseudonyms.error());
  auto writer = LogWriter::open(std::move(options), now, wall);
  if (!writer) return std::unexpected(writer.error());
  return std::unique_ptr<DecisionLog>(new DecisionLog(std::move(*writer), std::move(*pseudonyms)));
}

DecisionLog::DecisionLog(std::unique_ptr<LogWriter> writer, Pseudonyms pseudonyms)
    : thread_(std::make_unique<Thread>(std::move(writer))), pseudonyms_(std::move(pseudonyms)) {}

DecisionLog::~DecisionLog() = default;

void DecisionLog::saw(Instant at, const commons::Event& event, std::span<const commons::Action> actions) {
  // After the first that is lost all are, until the place of the gap is on its way to the file.
  if (unwritten_.lost > 0 || unwritten_.lines.size() >= limits::decisions_waiting_bytes_max) {
    ++unwritten_.lost;
    ++lost_;
    return;
  }
  commons::write_decision(unwritten_.lines, at, event, actions, &pseudonyms_);
  unwritten_.lines += '\n';
}

bool DecisionLog::waiting() const { return !unwritten_.lines.empty() || !thread_->idle_and_well(); }

bool DecisionLog::full() const {
  return unwritten_.lines.size() >= limits::decisions_batch_bytes && thread_->idle_and_well();
}

void DecisionLog::write(Instant now, WallTime wall) {
  if (thread_->busy()) return;
  Unwritten nothing;
  if (!thread_->result()) return thread_->begin(Thread::Job::write, nothing, now, wall);  // it has some of before
  unwritten_.pseudonyms = pseudonyms_.take_unsaved();
  thread_->begin(Thread::Job::write, unwritten_, now, wall);
}

Expected<void> DecisionLog::written() const { return thread_->result(); }

Expected<void> DecisionLog::drain(Instant now, WallTime wall) {
  (void)thread_->wait();
  const bool retried = !thread_->result();
  write(now, wall);
  auto written = thread_->wait();
  if (!written || !retried) return written;
  write(now, wall);
  return thread_->wait();
}

Expected<void> DecisionLog::close(Instant now, WallTime wall) {
  if (auto drained = drain(now, wall); !drained) return drained;
  Unwritten nothing;
  thread_->begin(Thread::Job::close, nothing, now, wall);
  return thread_->wait();
}

}  // namespace faelled::decisions
