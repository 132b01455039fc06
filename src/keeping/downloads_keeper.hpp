// DownloadsKeeper: makes the files of models come that have a source and are not here: one at a time, on a thread of
// its own, in the order of the catalogue, but first what somebody asked for in vain. Until then the mesh holds such a
// model back with words that tell how far it is. Owned by Keepers; loop's thread. Its destructor has what runs stop,
// which sees that within a second, and waits for it.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engines/memory_need.hpp"
#include "engines/model_settings.hpp"
#include "fetch/depot.hpp"
#include "fetch/fetch.hpp"
#include "fetch/queue.hpp"
#include "mesh/mesh.hpp"
#include "net/aside.hpp"
#include "net/loop.hpp"
#include "net/timer.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "portal/catalogue_keeping.hpp"

namespace faelled::keeping {

class DownloadsKeeper {
 public:
  struct Parts {
    net::Loop& loop;
    const Clock& clock;
    mesh::Mesh& mesh;
    observe::Log& log;
    observe::Metrics& metrics;
    fetch::Settings settings;
  };
  explicit DownloadsKeeper(Parts parts);
  ~DownloadsKeeper();
  DownloadsKeeper(const DownloadsKeeper&) = delete;
  DownloadsKeeper& operator=(const DownloadsKeeper&) = delete;

  // Told the model with its file's name, which is here now, and what memory it needs.
  using Arrived = std::function<void(const engines::ModelSettings&, const engines::MemoryNeed&)>;
  void on_arrival(Arrived told) { arrived_ = std::move(told); }

  // Which models have one of these files. Asked before files are removed and after it.
  struct Claim {
    engines::ModelSettings model;
    bool former = false;  // what a model was and still serves as, until its new definition can
  };
  using ModelsOf = std::function<std::vector<Claim>(const std::set<std::string>& files)>;
  void on_removal(ModelsOf models_of) { models_of_ = std::move(models_of); }

  // A model whose file is away. `hold_back`: nothing else can serve it meanwhile.
  void want(const engines::ModelSettings& model, bool hold_back);
  // It is not wanted any more: what came of its file goes, unless another wants the same.
  void forget(const std::string& model);
  bool wants(const std::string& model) const { return wanted_.contains(model); }
  // Its file goes from the disk, unless a model has it by then.
  void remove_file(const engines::ModelSettings& model);
  // How it stands with the file of a model that has a source.
  portal::Download download(const engines::ModelSettings& model) const;
  // What lies on the disk and is none of these files of models, in the log.
  void tell_unnamed(const std::set<std::string>& files) const;
  // Ends what is under way; its part stays, and the next start goes on with it.
  void stop();

  const fetch::Settings& settings() const { return p_.settings; }
  // For questions about a source on other threads: true once the server ends.
  std::shared_ptr<const std::atomic<bool>> stopping() const { return stopping_; }

 private:
  struct Wanted {
    engines::ModelSettings settings;
    bool hold_back = false;
    std::optional<fetch::Depot::File> part = std::nullopt;  // what its last failure left on the disk
  };
  // What is removed before the next file is fetched.
  struct Chore {
    fetch::Order order;
    std::string file;  // the whole file, too; empty: what came of it so far alone
  };
  struct Ended {
    engines::ModelSettings settings;
    std::expected<fetch::Fetched, fetch::Failure> file;
    engines::MemoryNeed need;
    std::optional<fetch::Depot::File> part = std::nullopt;
  };

  void drop(const std::string& model);
  void begin();
  void do_chores();
  void ended(const Ended& ended);
  void measure();
  void tell(const std::string& model);
  rpc::Fetching fetching_of(const fetch::Queue::Entry& entry) const;
  bool is_fetched_now(const std::string& model) const;
  // Its last failure was that its source has it no more.
  bool is_gone(const std::string& model) const;

  Parts p_;
  Arrived arrived_;
  fetch::Queue queue_;
  std::map<std::string, Wanted, std::less<>> wanted_;
  std::vector<Chore> chores_;  // for the thread, before its next file
  ModelsOf models_of_;
  std::string now_;                            // the model that is fetched
  std::shared_ptr<fetch::Progress> progress_;  // of it; the thread holds it too
  Instant begun_{};
  double bytes_per_s_ = 0;
  std::uint64_t measured_bytes_ = 0;
  Instant measured_at_{};
  std::uint64_t fetched_bytes_ = 0;  // by what has ended
  std::uint64_t failed_ = 0;
  std::shared_ptr<std::atomic<bool>> stopping_ = std::make_shared<std::atomic<bool>>(false);
  net::Timer again_;
  net::Timer ticks_;
  net::Aside aside_;  // ends first
};

}  // namespace faelled::keeping
