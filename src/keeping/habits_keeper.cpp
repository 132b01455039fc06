#include "keeping/habits_keeper.hpp"

#include <utility>

namespace faelled::keeping {
namespace {

constexpr Duration save_every = std::chrono::minutes(15);

}  // namespace

HabitsKeeper::HabitsKeeper(net::Loop& loop, const Clock& clock, mesh::Mesh& mesh, store::StoreThread& store,
                           observe::Log& log)
    : clock_(clock), mesh_(mesh), store_(store), log_(log), timer_(loop, [this] {
        timer_.arm(save_every);
        save([] {});
      }) {}

Expected<void> HabitsKeeper::restore() {
  auto kept = store_.wait_for([](store::Store& s) { return s.find_setting(mesh::habits_setting); });
  if (!kept) return std::unexpected(kept.error());
  if (*kept) kept_ = std::move((*kept)->value);
  timer_.arm(save_every);
  if (kept_.empty()) return {};
  if (const auto habits = mesh::read_habits(kept_)) {
    mesh_.learned(*habits);
  } else {
    log_.error("when models are asked for cannot be read, and is learned anew",
               {{"cause", habits.error().message}, {"hint", habits.error().hint}});
  }
  return {};
}

void HabitsKeeper::save(std::function<void()> then) {
  std::string now = mesh::text_of(mesh_.habits());
  if (now == kept_ || (kept_.empty() && now == mesh::text_of({}))) return then();
  const store::SettingRow row{std::string(mesh::habits_setting), now, clock_.wall()};
  store_.ask([row](store::Store& s) { return s.set_setting(row); },
             std::function<void(Expected<void>)>(
                 [this, now = std::move(now), then = std::move(then)](const Expected<void>& kept) {
                   if (kept) kept_ = now;  // else the next quarter tries again
                   then();
                 }));
}

}  // namespace faelled::keeping
