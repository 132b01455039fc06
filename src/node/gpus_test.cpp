#include "node/gpus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "net/loop.hpp"
#include "node/gpu_books.hpp"
#include "node/gpu_watch.hpp"

namespace faelled::node {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t gib = 1ULL << 30U;

// A driver's library that says what a file says: tests/fakes/nvml.c.
class GpusTest : public testing::Test {
 protected:
  GpusTest() {
    std::string name = testing::TempDir() + "/gpus-XXXXXX";
    folder = ::mkdtemp(name.data());
    ::setenv("FAKE_NVML", (folder + "/says").c_str(), 1);
  }
  ~GpusTest() override {
    ::unsetenv("FAKE_NVML");
    std::filesystem::remove_all(folder);
  }
  // Whole or not at all: a reader of another thread never sees half of it.
  void driver_says(const std::string& text) const {
    std::ofstream(folder + "/next") << text;
    std::filesystem::rename(folder + "/next", folder + "/says");
  }

  std::string folder;
};

TEST_F(GpusTest, ReadsWhatTheDriverSays) {
  driver_says(
      "gpu GPU-a 1000 100 400 A10\n"
      "gpu GPU-b 2000 0 0 H100\n"
      "process 0 17 300\n"
      "process 1 18 5\n"
      "process 0 19 100\n");
  const auto gpus = Gpus::open(FAELLED_FAKE_NVML);
  ASSERT_TRUE(gpus) << gpus.error().message;
  const auto all = gpus->read();
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_THAT(*all, ElementsAre(Gpu{"GPU-a", "A10", 900, 400, true, {{17, 300}, {19, 100}}},
                                Gpu{"GPU-b", "H100", 2000, 0, true, {{18, 5}}}));
}

TEST_F(GpusTest, ReadsMoreProcessesThanThereWasRoomFor) {
  std::string text = "gpu GPU-a 1000 0 400 A10\n";
  for (int i = 0; i < 40; ++i) text += "process 0 " + std::to_string(100 + i) + " 1\n";
  driver_says(text);
  const auto gpus = Gpus::open(FAELLED_FAKE_NVML);
  ASSERT_TRUE(gpus);
  EXPECT_EQ(gpus->read()->at(0).processes.size(), 40U);
}

TEST_F(GpusTest, AVirtualGpuDoesNotTellWhatItsProcessesTake) {
  driver_says("gpu GPU-a 1000 0 400 A10-4Q\nprocess 0 17 -1\n");
  const auto gpus = Gpus::open(FAELLED_FAKE_NVML);
  ASSERT_TRUE(gpus);
  EXPECT_FALSE(gpus->read()->at(0).tells_processes);
}

TEST_F(GpusTest, SaysWhyThereAreNone) {
  const auto nowhere = Gpus::open(folder + "/libnvidia-ml.so.1");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, Errc::not_found);
  driver_says("init 9\n");
  const auto asleep = Gpus::open(FAELLED_FAKE_NVML);
  ASSERT_FALSE(asleep);
  EXPECT_THAT(asleep.error().message, HasSubstr("Driver Not Loaded"));
  const auto other = Gpus::open("libz.so.1");
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("is no NVML"));
}

TEST_F(GpusTest, TheWatchTellsWhatIsReadOnTheLoop) {
  driver_says("gpu GPU-a 1000 0 400 A10\n");
  auto gpus = Gpus::open(FAELLED_FAKE_NVML);
  ASSERT_TRUE(gpus);
  net::Loop loop;
  net::Loop::Hold hold(loop);
  std::uint64_t taken = 0;
  GpuWatch watch(loop, std::move(*gpus), std::chrono::milliseconds(1), [&](const std::vector<Gpu>& now) {
    taken = now.at(0).taken;
    if (taken == 400) driver_says("gpu GPU-a 1000 0 500 A10\n");
    if (taken == 500) loop.stop();
  });
  loop.run();
  EXPECT_EQ(taken, 500U);
}

TEST(GpuBooks, OthersTakeWhatIsNotOurs) {
  const Gpu gpu{"GPU-a", "A10", 24 * gib, 9 * gib, true, {{17, 4 * gib}, {18, 2 * gib}, {99, 3 * gib}}};
  const OnGpu ours{5 * gib, {17, 18}};
  const GpuBooks books = books_of(gpu, std::span(&ours, 1));
  EXPECT_THAT(books.read, ElementsAre(6 * gib));
  EXPECT_EQ(books.others, 3 * gib);
  EXPECT_EQ(books.for_models, 24 * gib - 3 * gib - 24 * gib / 50);
}

// What an engine leaves behind is nobody's, so nobody is loaded into it.
TEST(GpuBooks, MemoryThatAnEndedEngineKeepsIsNotForModels) {
  const Gpu gpu{"GPU-a", "A10", 24 * gib, 7 * gib, true, {}};
  EXPECT_EQ(books_of(gpu, {}).others, 7 * gib);
}

TEST(GpuBooks, AnEngineThatHasTakenNothingYetDoesNotMakeOthersSmaller) {
  const Gpu before{"GPU-a", "A10", 24 * gib, 3 * gib, true, {{99, 3 * gib}}};
  const OnGpu ours{5 * gib, {17}};
  EXPECT_EQ(books_of(before, std::span(&ours, 1), GpuBooks{.others = 3 * gib, .others_seen = 3 * gib}).others, 3 * gib);
}

TEST(GpuBooks, WhereProcessesAreNotToldAnEngineTakesWhatItsFileSays) {
  Gpu gpu{"GPU-a", "A10-4Q", 24 * gib, 8 * gib, false, {}};
  const OnGpu ours{5 * gib, {17}};
  EXPECT_EQ(books_of(gpu, std::span(&ours, 1)).others, 3 * gib);
  EXPECT_THAT(books_of(gpu, std::span(&ours, 1)).read, ElementsAre(0U));
  gpu.taken = 100 * gib;  // no books become negative
  EXPECT_EQ(books_of(gpu, std::span(&ours, 1)).for_models, 0U);
}

// One reading may show a process of ours that has ended, or its memory on its way back.
TEST(GpuBooks, OthersTakeMoreWhenTwoReadingsSaySo) {
  Gpu gpu{"GPU-a", "A10", 24 * gib, 2 * gib, true, {}};
  auto books = books_of(gpu, {});
  EXPECT_EQ(books.others, 2 * gib) << "the first is believed";
  gpu.taken = 9 * gib;
  books = books_of(gpu, {}, books);
  EXPECT_EQ(books.others, 2 * gib);
  gpu.taken = 7 * gib;
  books = books_of(gpu, {}, books);
  EXPECT_EQ(books.others, 7 * gib);
  gpu.taken = 1 * gib;
  EXPECT_EQ(books_of(gpu, {}, books).others, 1 * gib) << "less is believed at once";
}

}  // namespace
}  // namespace faelled::node
