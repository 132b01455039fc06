// All at once: GPUs that have the host's memory behind them, models of both kinds, which fail, leave the catalogue and
// come back as others, and memories of which somebody else takes a part.
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "residency/world_testing.hpp"

namespace faelled::residency {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct History {
  explicit History(std::uint64_t seed) : random(seed), world(devices, random_settings(random)) {
    world.shrank = true;
    temper(world, random);
    if (random.below(3) == 0) world.vain_every = static_cast<std::uint32_t>(1 + random.below(5));
    models = static_cast<ModelNumber>(2 + random.below(8));
    for (ModelNumber m = 0; m < models; ++m) define(m);
  }
  void define(ModelNumber model) {
    const std::uint64_t bytes = 1 + random.below(10);
    const bool gpu = random.below(3) != 0, sleeps = gpu && random.below(4) != 0;
    const auto copies = static_cast<std::uint32_t>(1 + random.below(2));
    ModelIs is{model,
               bytes,
               seconds(bytes),
               1,
               false,
               world.at_start,
               sleeps ? bytes : 0,
               random.below(3),
               gpu ? DeviceKind::gpu : DeviceKind::host,
               copies,
               random.below(2) == 0};
    is.spreads = gpu && random.below(2) == 0;
    world.tell(is);
    gone[model] = false;
  }
  void squeeze(DeviceNumber device, std::uint64_t bytes) {
    DeviceIs is = devices[device];
    is.bytes = bytes;
    world.tell(is);
  }
  void happens() {
    const auto model = static_cast<ModelNumber>(random.below(1 + random.below(models)));
    switch (const auto what = random.below(30)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return world.disturb(model, what, random);
      case 4:
        return world.tell(Order{model, Act::sleep});
      case 5:
        return world.tell(Order{model, Act::wake});
      case 6:
        return world.tell(Order{model, Act::renew});
      case 7:
      case 8:
        return world.fail(model);
      case 9:
        if (!gone[model]) sent_away += world.remove(model);
        gone[model] = true;
        return;
      case 10: {
        const auto device = static_cast<DeviceNumber>(random.below(devices.size()));
        return squeeze(device, 1 + random.below(devices[device].bytes));
      }
      default:
        if (gone[model]) return define(model);
        world.ask_by_chance(model, random);
        ++asked;
    }
  }
  void ends() {
    for (DeviceNumber d = 0; d < devices.size(); ++d) squeeze(d, devices[d].bytes);
    for (ModelNumber m = 0; m < models; ++m)
      if (gone[m]) define(m);
    world.answer_all(models, asked - sent_away);
  }

  SeededRandom random;
  std::vector<DeviceIs> devices{{0, 10 + random.below(8), DeviceKind::gpu, 2},
                                {1, 10 + random.below(8), DeviceKind::gpu, 2, random.below(3) == 0 ? 2U : 1U},
                                {2, 10 + random.below(30)}};
  World world;
  ModelNumber models = 0;
  std::map<ModelNumber, bool> gone;
  std::size_t asked = 0, sent_away = 0;
};

// Invariant: memory once. Invariant: no answer cut off.
TEST(Histories, OfAllKindsOfTroubleEndWithEverybodyAnswered) {
  Counts all;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    History history(seed);
    for (int i = 0; i < 200; ++i) {
      history.happens();
      if (history.random.below(2) == 0) history.world.pass(milliseconds(history.random.below(10'000)));
    }
    history.ends();
    all.sleeps += history.world.planner.counts().sleeps;
    all.wakes += history.world.planner.counts().wakes;
    all.copies += history.world.planner.counts().copies;
    if (HasFailure()) return;
  }
  EXPECT_GT(all.sleeps, 500U);
  EXPECT_GT(all.wakes, 200U);
  EXPECT_GT(all.copies, 50U);
}

}  // namespace
}  // namespace faelled::residency
