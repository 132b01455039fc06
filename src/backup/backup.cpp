#include "backup/backup.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/folder.hpp"
#include "base/limits.hpp"
#include "json/writer.hpp"
#include "ledger/journal.hpp"
#include "store/sqlite/snapshot.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace faelled::backup {
namespace {

namespace fs = std::filesystem;

// A folder of our own that is gone when we are done, or given up.
class Scratch {
 public:
  // Errors: conflict (somebody else is at it), io.
  static Expected<Scratch> make(const fs::path& path) {
    std::error_code code;
    fs::create_directory(path, code);
    if (!code) fs::permissions(path, fs::perms::owner_all, code);
    if (code)
      return fail(Errc::io, path.string() + " cannot be made: " + code.message(),
                  "check the rights and the free space");
    Scratch out(path, ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (out.fd_ < 0 || ::flock(out.fd_, LOCK_EX | LOCK_NB) != 0) {
      out.path_.clear();
      return fail(Errc::conflict, path.string() + " is in use: another run is under way", "wait for it to end");
    }
    for (const auto& left : entries_of(path)) fs::remove_all(left, code);  // of a run cut off
    return out;
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})), fd_(std::exchange(other.fd_, -1)) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
    if (fd_ >= 0) ::close(fd_);
  }
  const fs::path& path() const { return path_; }
  void keep() { path_.clear(); }

 private:
  Scratch(fs::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  fs::path path_;
  int fd_;
};

Expected<void> copy_journal(const fs::path& from, const fs::path& to, const Progress& progress) {
  std::error_code code;
  fs::create_directory(to, code);
  if (!fs::exists(from, code)) return {};
  const auto not_copied = [&] {
    return fail(Errc::io, from.string() + " cannot be copied: " + code.message(), "check rights and free space");
  };
  std::vector<fs::path> segments;
  for (const auto& entry : entries_of(from, code))
    if (is_entry_name("journal/" + entry.path().filename().string())) segments.push_back(entry.path());
  if (code) return not_copied();
  std::ranges::sort(segments);
  std::uint64_t bytes = 0;
  for (const fs::path& segment : segments) {
    fs::copy_file(segment, to / segment.filename(), code);
    // One that is gone meanwhile was taken into the ledger whole, and the snapshot comes after.
    if (code == std::errc::no_such_file_or_directory) continue;
    if (!code) bytes += fs::file_size(to / segment.filename(), code);
    if (code) return not_copied();
    progress("journal", bytes);
  }
  return {};
}

Expected<void> pack(const Options& options, const fs::path& scratch, WallTime now, Random& random,
                    const Progress& progress, Made& made) {
  const bool keys = !options.passphrase.empty();
  auto archive = ArchiveWriter::create(options.file, {options.version, now, keys}, options.passphrase, random);
  if (!archive) return std::unexpected(archive.error());
  const auto add = [&](std::string_view name, const fs::path& from) {
    return archive->add(name, from, [&](std::uint64_t bytes) {
      progress("file", bytes);
      return !options.stopped || !options.stopped();
    });
  };
  if (auto added = add("faelled.db", scratch / "faelled.db"); !added) return added;
  std::error_code code;
  std::vector<fs::path> segments;
  for (const auto& entry : entries_of(scratch / "journal", code)) segments.push_back(entry.path());
  if (code) return fail(Errc::io, (scratch / "journal").string() + " cannot be read: " + code.message(), "try again");
  std::ranges::sort(segments);
  for (const fs::path& segment : segments)
    if (auto added = add("journal/" + segment.filename().string(), segment); !added) return added;
  if (keys) {
    if (auto added = add("master.key", options.data / "master.key"); !added) return added;
    if (!options.config.empty())
      if (auto added = add("faelled.yaml", options.config); !added) return added;
  }
  auto bytes = archive->finish();
  if (!bytes) return std::unexpected(bytes.error());
  made.bytes = *bytes;
  return {};
}

// Best effort: the backup is whole without it.
void remember(const Options& options, WallTime now, std::uint64_t bytes) {
  std::string text;
  json::Writer(text)
      .object()
      .member("made_at_s", unix_seconds(now))
      .member("bytes", bytes)
      .member("keys", !options.passphrase.empty())
      .close_object();
  const fs::path file = options.data / "last_backup.json";
  const fs::path draft = file.string() + ".new";
  std::error_code code;
  {
    std::ofstream out(draft, std::ios::trunc);
    out << text << '\n';
    if (!out.flush()) return;
  }
  fs::permissions(draft, fs::perms::owner_read | fs::perms::owner_write, code);
  // Made by root, it is still the server's to read.
  if (struct stat owner{}; ::geteuid() == 0 && ::stat(options.data.c_str(), &owner) == 0)
    if (::chown(draft.c_str(), owner.st_uid, owner.st_gid) != 0) return;
  fs::rename(draft, file, code);
}

// What only the journal held goes into the ledger, and the ledger is told to begin with a new journal.
Expected<std::uint64_t> settle(const fs::path& folder, const Progress& progress) {
  auto store = store::open_sqlite_store(folder / "faelled.db");
  if (!store) return std::unexpected(store.error());
  std::uint64_t rows = 0;
  {
    ledger::Journal::Options options;
    options.folder = folder / "journal";
    auto journal = ledger::Journal::open(std::move(options));
    if (!journal) return std::unexpected(journal.error());
    for (ledger::Position at;;) {
      auto batch = (*journal)->read(at, limits::ledger_intake_rows_max);
      if (!batch) return std::unexpected(batch.error());
      if (batch->next == at) break;
      if (auto added = (*store)->add_usage(batch->closed, {}); !added) return std::unexpected(added.error());
      rows += batch->closed.size();
      at = batch->next;
      progress("ledger", rows);
    }
  }
  if (auto reset = (*store)->add_usage({}, {}); !reset) return std::unexpected(reset.error());
  std::error_code code;
  fs::remove_all(folder / "journal", code);
  if (code) return fail(Errc::io, (folder / "journal").string() + " cannot be removed: " + code.message());
  return rows;
}

Expected<Restored> unpack(const fs::path& file, const fs::path& folder, const std::string& passphrase, Secrets secrets,
                          const Progress& progress) {
  auto archive = ArchiveReader::open(file, passphrase);
  if (!archive) return std::unexpected(archive.error());
  progress("unpacking", 0);
  if (auto unpacked = archive->unpack(folder, secrets); !unpacked) return std::unexpected(unpacked.error());
  if (std::error_code code; !fs::exists(folder / "faelled.db", code))
    return fail(Errc::invalid, file.string() + " holds no database", "take another backup");
  auto rows = settle(folder, progress);
  if (!rows) return std::unexpected(rows.error());
  return Restored{archive->heading(), *rows};
}

constexpr const char* restoring = ".restoring";

// Whether it is there already, and empty but for what a run that was cut off has left in it.
Expected<bool> is_there(const fs::path& data) {
  std::error_code code;
  if (!fs::exists(data, code)) {
    if (code) return fail(Errc::io, data.string() + " cannot be read: " + code.message(), "check the rights there");
    return false;
  }
  for (const auto& entry : entries_of(data, code))
    if (entry.path().filename() != restoring)
      return fail(Errc::exists, data.string() + " is not empty",
                  "restore into a new folder, look at it, and name it with `data:` (a systemd service needs "
                  "ReadWritePaths= for it); nothing is overwritten");
  if (code) return fail(Errc::io, data.string() + " cannot be read: " + code.message(), "check the rights there");
  return true;
}

// The database last: without it no server has begun there, and nothing else is taken for it.
Expected<void> move_up(const fs::path& from, const fs::path& to) {
  std::vector<fs::path> all;
  std::error_code code;
  for (const auto& entry : entries_of(from, code)) all.push_back(entry.path());
  std::ranges::stable_partition(all, [](const fs::path& each) { return each.filename() != "faelled.db"; });
  for (std::size_t i = 0; i < all.size() && !code; ++i) fs::rename(all[i], to / all[i].filename(), code);
  if (!code) return {};
  return fail(Errc::io, to.string() + " cannot be filled: " + code.message(), "check the rights there, and empty it");
}

}  // namespace

Expected<Made> make(const Options& options, WallTime now, Random& random, const Progress& progress) {
  auto scratch = Scratch::make(options.data / "backup.new");
  if (!scratch) return std::unexpected(scratch.error());
  if (auto copied = copy_journal(options.data / "journal", scratch->path() / "journal", progress); !copied)
    return std::unexpected(copied.error());
  progress("database", 0);
  if (auto copied = store::snapshot_sqlite(options.data / "faelled.db", scratch->path() / "faelled.db"); !copied)
    return std::unexpected(copied.error());
  Made made;
  if (auto packed = pack(options, scratch->path(), now, random, progress, made); !packed)
    return std::unexpected(packed.error());
  remember(options, now, made.bytes);
  return made;
}

// A folder that is there stays the one it is: it may be a mount, or lie where its owner makes no others.
Expected<Restored> restore(const fs::path& file, const fs::path& named, const std::string& passphrase,
                           const Progress& progress) {
  const fs::path data = named.has_filename() ? named : named.parent_path();  // "folder/"
  const auto there = is_there(data);
  if (!there) return std::unexpected(there.error());
  auto scratch = Scratch::make(*there ? data / restoring : fs::path(data.string() + restoring));
  if (!scratch) return std::unexpected(scratch.error());
  auto restored = unpack(file, scratch->path(), passphrase, Secrets::written, progress);
  if (!restored) return restored;
  if (*there) {
    if (auto moved = move_up(scratch->path(), data); !moved) return std::unexpected(moved.error());
    return restored;
  }
  std::error_code code;
  fs::rename(scratch->path(), data, code);
  if (code) return fail(Errc::io, data.string() + " cannot be made: " + code.message(), "check the rights there");
  scratch->keep();
  return restored;
}

Expected<Restored> check(const fs::path& file, const std::string& passphrase, const Progress& progress) {
  auto scratch = Scratch::make(file.string() + ".checking");
  if (!scratch) return std::unexpected(scratch.error());
  return unpack(file, scratch->path(), passphrase, Secrets::read_only, progress);
}

}  // namespace faelled::backup
