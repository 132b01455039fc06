// Fetch: one model file from its source into the depot, once: a part that is there is gone on with, and only a file of
// the right size and hash gets its name. So it is with a folder, file by file (folder.hpp). Blocks; for a thread of its
// own. Pure but for the disk and the network: whether and when to try again is the Queue's.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "crypto/digest.hpp"
#include "fetch/depot.hpp"
#include "fetch/failure.hpp"
#include "fetch/source.hpp"
#include "fetch/transfer.hpp"

namespace faelled::fetch {

struct Settings {
  std::filesystem::path folder;  // of the depot
  std::string hub = "https://huggingface.co";
  bool offline = false;                     // no source is asked
  std::uint64_t keep_free = 1'000'000'000;  // bytes of the disk that no fetched file takes
  Manners manners;
};

struct Order {
  Source source;
  std::optional<crypto::Digest> sha256;  // none: a hub's source, and the hub says it. Of a folder none
};

// Of a fetch under way: written by its thread, read by another.
struct Progress {
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> bytes = 0;    // of the file, or of all files of the folder, that are here
  std::atomic<std::uint64_t> total = 0;    // 0: not known yet
  std::atomic<std::uint64_t> fetched = 0;  // bytes that came over the network
};

struct Fetched {
  std::filesystem::path file;  // or the folder
  crypto::Digest sha256{};     // of a folder: of its listing
  std::uint64_t bytes = 0;
  bool operator==(const Fetched&) const = default;
};

// What came stays as a part to go on from, but of another file than was ordered nothing is left.
std::expected<Fetched, Failure> fetch(const Order& order, const Settings& settings, Progress& progress);

// What a source says before anything of it is fetched.
struct Found {
  crypto::Digest sha256{};  // of a folder: of its listing
  std::uint64_t bytes = 0;  // 0: the server does not say
  std::string why_no_room;  // in plain words; empty: there is room
};
std::expected<Found, Failure> look_at(const Order& order, const Settings& settings, const std::atomic<bool>& stop);

// Some bytes of a file, for whoever wants to read its header. Asks a few questions at most, within a minute, and then
// gives nothing more.
class Peek {
 public:
  Peek(const Order& order, const Settings& settings, const std::atomic<bool>& stop)
      : url_(url_of(order.source, settings.hub)), transfer_(settings.manners, stop) {}
  // Fills as much of `out` as there is from `offset` on; 0: it cannot be had.
  std::size_t read(std::uint64_t offset, std::span<std::byte> out);

 private:
  std::string url_;
  Transfer transfer_;
  std::vector<std::byte> piece_;
  std::uint64_t piece_at_ = 0;
  std::size_t questions_ = 0;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

}  // namespace faelled::fetch
