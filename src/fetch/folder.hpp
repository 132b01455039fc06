// A model that is a folder of a hub's repository, fetched as one: it is asked once which commit its revision is, and
// every file is that commit's. The folder has its name when all files of its listing are there and proven, each large
// one by its SHA-256, each small one by git's own name for it. Blocks, as fetch().
#pragma once

#include <atomic>
#include <expected>
#include <string>
#include <string_view>

#include "fetch/fetch.hpp"
#include "fetch/listing.hpp"

namespace faelled::fetch {

// What came stays in a folder beside to go on from, file by file, but of another file than was listed nothing is left.
std::expected<Fetched, Failure> fetch_folder(const Source& source, const Settings& settings, Progress& progress);

struct FoundFolder {
  Found found;
  Listing listing;
};
// What the hub says before anything of it is fetched.
std::expected<FoundFolder, Failure> look_at_folder(const Source& source, const Settings& settings,
                                                   const std::atomic<bool>& stop);

// The content of a small file of it, proven, without the disk. Failures: also refused, where it has more than
// `bytes_max` bytes.
std::expected<std::string, Failure> read_listed(const Source& source, const Listing& listing, const ListedFile& file,
                                                std::size_t bytes_max, const Settings& settings,
                                                const std::atomic<bool>& stop);

}  // namespace faelled::fetch
