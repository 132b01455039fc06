#include "node/gpus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/limits.hpp"
#include "net/loop.hpp"
#include "node/gpu_books.hpp"
#include "node/gpu_groups.hpp"
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
  EXPECT_THAT(*all, ElementsAre(Gpu{"GPU-a", "A10", 900, 400, true, {{17, 300}, {19, 100}}, "gpu0"},
                                Gpu{"GPU-b", "H100", 2000, 0, true, {{18, 5}}, "gpu1"}));
}

TEST_F(GpusTest, ReadsMoreProcessesThanThereWasRoomFor) {
  std::string text = "gpu GPU-a 1000 0 400 A10\n";
  for (int i = 0; i < 40; ++i) text += "process 0 " + std::to_string(100 + i) + " 1\n";
  driver_says(text);
  const auto gpus = Gpus::open(FAELLED_FAKE_NVML);
  ASSERT_TRUE(gpus);
  EXPECT_EQ(gpus->read()->at(0).processes.size(), 40U);
}

TEST_F(GpusTest, OneThatDoesNotAnswerKeepsItsNumber) {
  driver_says(
      "gpu GPU-a 1000 0 0 A10\n"
      "gpu - 1000 0 0 A10\n"
      "gpu GPU-c 1000 0 0 A10\n");
  const auto gpus = Gpus::open(FAELLED_FAKE_NVML);
  ASSERT_TRUE(gpus);
  const auto all = gpus->read();
  ASSERT_TRUE(all && all->size() == 2);
  EXPECT_EQ(all->at(0).device, "gpu0");
  EXPECT_EQ(all->at(1).device, "gpu2");
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

// Each card has some room left that is too small for a layer.
TEST(GpuBooks, OfSeveralCardsMoreIsKept) {
  Gpu gpu{"GPU-a,GPU-b", "A10", 48 * gib, 0, true, {}, "gpu0+1", 2};
  EXPECT_EQ(books_of(gpu, {}).for_models, 48 * gib - 48 * gib / 25);
  gpu.bytes = 4 * gib;
  EXPECT_EQ(books_of(gpu, {}).for_models, 4 * gib - 2 * limits::gpu_reserve_bytes);
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

class GpuGroupsTest : public testing::Test {
 protected:
  const std::vector<Gpu> gpus{{"GPU-a", "A10", 24 * gib, 3 * gib, true, {{17, 2 * gib}, {18, gib}}, "gpu0"},
                              {"GPU-b", "A10", 24 * gib, gib, true, {{17, gib}}, "gpu1"},
                              {"GPU-c", "H100", 80 * gib, 0, false, {}, "gpu2"},
                              {"MIG-d", "A100 MIG 3g.40gb", 40 * gib, 0, true, {}, "gpu3"}};
};

TEST_F(GpuGroupsTest, AreOneGpuEachInThePlaceOfTheirFirstCard) {
  const GpuGroups groups = groups_of(gpus, {{2, 0}});
  EXPECT_THAT(groups.wrong, IsEmpty());
  const std::vector<Gpu> now = together(gpus, groups.uuids);
  ASSERT_THAT(now, ElementsAre(gpus[1], testing::_, gpus[3]));
  EXPECT_EQ(now[1],
            (Gpu{"GPU-c,GPU-a", "H100 + A10", 104 * gib, 3 * gib, false, {{17, 2 * gib}, {18, gib}}, "gpu2+0", 2}));
}

TEST_F(GpuGroupsTest, AProcessOnBothCardsTakesWhatItTakesOfBoth) {
  const std::vector<Gpu> now = together(gpus, groups_of(gpus, {{0, 1}}).uuids);
  EXPECT_EQ(now.front(),
            (Gpu{"GPU-a,GPU-b", "2 × A10", 48 * gib, 4 * gib, true, {{17, 3 * gib}, {18, gib}}, "gpu0+1", 2}));
}

TEST_F(GpuGroupsTest, OneThatCannotBeSaysWhyAndItsCardsAreAlone) {
  const GpuGroups groups = groups_of(gpus, {{0, 7}, {1, 3}});
  EXPECT_THAT(
      groups.wrong,
      ElementsAre("GPUs 0, 7 are not one memory: there is no GPU 7, or it does not answer",
                  "GPUs 1, 3 are not one memory: GPU 3 is a part of a card (MIG), and a process sees one part only"));
  EXPECT_EQ(together(gpus, groups.uuids), gpus);
}

TEST_F(GpuGroupsTest, OneWithoutACardThatDoesNotAnswerIsNotThere) {
  const GpuGroups groups = groups_of(gpus, {{0, 1}});
  EXPECT_EQ(together({gpus[0], gpus[2]}, groups.uuids), std::vector{gpus[2]});
  EXPECT_EQ(together({gpus[1], gpus[2]}, groups.uuids), std::vector{gpus[2]}) << "its first card is the missing one";
}

}  // namespace
}  // namespace faelled::node
