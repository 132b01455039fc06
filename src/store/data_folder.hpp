// DataFolder: the folder that holds all that Fælled remembers, held by one process at a time (flock on DATA/lock, which
// carries the holder's pid). Made first thing in main(), kept until the end.
#pragma once

#include <filesystem>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"

namespace faelled::store {

class DataFolder {
 public:
  // Makes the folder (mode 0700) if absent. Errors: conflict (another process holds it; names the pid), io (cannot be
  // made, read or written), each with the way out.
  static Expected<DataFolder> open(const std::filesystem::path& path);

  DataFolder(DataFolder&& other) noexcept
      : path_(std::move(other.path_)), lock_fd_(std::exchange(other.lock_fd_, -1)) {}
  DataFolder& operator=(DataFolder&&) = delete;
  ~DataFolder();

  // What this folder's server is called on a database that several share: DATA/server.id, made where it is not there.
  // Errors: io (it is there and cannot be read, or cannot be made), invalid (no such id in the file).
  Expected<std::string> server_id(WallTime now, Random& random) const;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path database() const { return path_ / "faelled.db"; }
  std::filesystem::path journal() const { return path_ / "journal"; }
  std::filesystem::path decisions() const { return path_ / "decisions"; }
  std::filesystem::path master_key() const { return path_ / "master.key"; }
  std::filesystem::path control_socket() const { return path_ / "control.sock"; }

 private:
  DataFolder(std::filesystem::path path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}
  std::filesystem::path path_;
  int lock_fd_ = -1;
};

}  // namespace faelled::store
