// Backup and restore: the store, the journal and the keys of a data folder in one file, and back onto an empty host.
// A backup is made beside a running server: the journal is copied first, then a snapshot of the database, so whatever
// was closed before is in one of the two; the ledger takes each request once, so what is in both counts once. Blocking;
// for the command line. docs/decisions/0016-operability.md says why it is as it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "backup/archive.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"

namespace faelled::backup {

// How far it is: what is being done, and bytes of it done so far.
using Progress = std::function<void(std::string_view doing, std::uint64_t bytes)>;

struct Options {
  std::filesystem::path data;
  std::filesystem::path config;  // copied too where the heading says `keys`; empty: none
  std::filesystem::path file;    // the backup
  std::string passphrase;        // empty: without master key and configuration
  std::string version;
  std::function<bool()> stopped = {};  // asked often while the file is written; true: give up, and leave nothing
};

struct Made {
  std::uint64_t bytes = 0;
};

// Writes DATA/last_backup.json at its end, for the pages and the alarms. Nothing half-written stays, or where it was
// killed, nothing that stands in the way of the next run. Errors: exists, conflict (another run is under way),
// not_found (no data folder), cancelled, io, unavailable.
Expected<Made> make(const Options& options, WallTime now, Random& random, const Progress& progress);

struct Restored {
  Heading heading;
  std::uint64_t rows_from_journal = 0;  // ledger rows that only the journal held
};

// Into a data folder that is empty or not there; an empty one keeps its owner and rights. All or nothing. A master key
// that the backup left out must be put there by hand. Errors: exists (the folder holds something), and those of
// ArchiveReader and of the store.
Expected<Restored> restore(const std::filesystem::path& file, const std::filesystem::path& data,
                           const std::string& passphrase, const Progress& progress);

// The same into a scratch folder beside the file that is thrown away, but for keys and configuration, which are read
// and written nowhere: would it restore?
Expected<Restored> check(const std::filesystem::path& file, const std::string& passphrase, const Progress& progress);

}  // namespace faelled::backup
