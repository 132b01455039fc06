#include "fetch/depot.hpp"

#include <sys/inotify.h>

#include <array>
#include <cstring>

#include "base/whole_file.hpp"
#include "fetch/fetching_testing.hpp"

namespace faelled::fetch {
namespace {

namespace fs = std::filesystem;

struct OnDisk : Fetching {
  Depot depot{folder / "models"};
  Source source = parse_source("hf:o/r/small.gguf").value();
  OnDisk() { fs::create_directory(depot.folder()); }
  void lay(const std::string& name) const { std::ofstream(depot.folder() / name) << "some"; }
};

// What happened to a name in a folder, in order.
std::vector<std::uint32_t> seen_of(int watch, const std::string& name) {
  std::vector<std::uint32_t> all;
  alignas(inotify_event) std::array<char, 16'384> events{};
  for (ssize_t n = 0; (n = ::read(watch, events.data(), events.size())) > 0;)
    for (ssize_t at = 0; at < n;) {
      inotify_event event{};
      std::memcpy(&event, events.data() + at, sizeof event);
      const char* of = events.data() + at + sizeof event;
      if (event.len > 0 && name == of) all.push_back(event.mask & ~std::uint32_t{IN_ISDIR});
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  return all;
}

// Whoever stops the server in the middle of it finds no half folder that is believed to be whole.
TEST_F(OnDisk, WhatIsRemovedLosesItsNameFirst) {
  const fs::path place = depot.place(sha256, source);
  fs::create_directory(place);
  std::ofstream(place / "config.json") << "{}";
  fs::create_directory(Depot::part_of(place));
  std::ofstream(Depot::part_of(place) / "left.json") << "{}";
  const OpenFile watch(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  ASSERT_GE(::inotify_add_watch(watch.fd, depot.folder().c_str(), IN_DELETE | IN_MOVED_FROM), 0);
  depot.remove(sha256);
  EXPECT_TRUE(names().empty());
  EXPECT_EQ(seen_of(watch.fd, place.filename()), std::vector<std::uint32_t>{IN_MOVED_FROM});
}

TEST_F(OnDisk, TakesNoDraftForAFile) {
  const std::string name = crypto::hex(sha256) + "-small.gguf";
  lay(crypto::hex(sha256) + ".hash.new");
  lay(name + ".part.etag.new");
  EXPECT_FALSE(depot.find(sha256));
  EXPECT_TRUE(depot.files().empty());
  depot.remove_parts(sha256);
  EXPECT_EQ(names().size(), 1U);
}

TEST_F(OnDisk, WritesANoteThroughNoLink) {
  ASSERT_TRUE(depot.remember(source, sha256));
  const fs::path note = depot.folder() / names().front();
  std::ofstream(folder / "outside") << "untouched";
  for (fs::path link : {note, fs::path(note) += ".new"}) {
    fs::remove(link);
    fs::create_symlink(folder / "outside", link);
    ASSERT_TRUE(depot.remember(source, sha256));
    EXPECT_EQ(read(folder / "outside"), "untouched") << link;
    EXPECT_EQ(depot.remembered(source), sha256);
  }
}

TEST_F(OnDisk, LeavesNothingOfANoteThatDoesNotFit) {
  std::expected<void, Failure> full;
  {
    const FullDisk disk;
    full = depot.remember(source, sha256);
  }
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().fault, Fault::no_room);
  EXPECT_TRUE(names().empty());
}

}  // namespace
}  // namespace faelled::fetch
