#include "keeping/learned_keeper.hpp"

#include <algorithm>
#include <utility>

namespace faelled::keeping {
namespace {

constexpr Duration save_every = std::chrono::minutes(15);

// Its first line says what it is.
bool says_something(const std::string& text) { return std::ranges::count(text, '\n') > 1; }

}  // namespace

LearnedKeeper::LearnedKeeper(net::Loop& loop, const Clock& clock, mesh::Mesh& mesh, store::StoreThread& store,
                             observe::Log& log)
    : clock_(clock), mesh_(mesh), store_(store), log_(log), timer_(loop, [this] {
        timer_.arm(save_every);
        save([] {});
      }) {}

Expected<void> LearnedKeeper::restore() {
  for (Kept* kept : {&habits_, &loads_})
    if (auto done = fetch(*kept); !done) return done;
  timer_.arm(save_every);
  if (!habits_.text.empty()) learn(mesh::read_habits(habits_.text));
  if (!loads_.text.empty()) learn(mesh::read_loads(loads_.text));
  return {};
}

Expected<void> LearnedKeeper::fetch(Kept& kept) {
  auto row = store_.wait_for([&](store::Store& s) { return s.find_setting(kept.setting); });
  if (!row) return std::unexpected(row.error());
  if (*row) kept.text = std::move((*row)->value);
  return {};
}

template <class All>
void LearnedKeeper::learn(const Expected<All>& read) {
  if (read) return mesh_.learned(*read);
  log_.error("what was learned of models cannot be read, and is learned anew",
             {{"cause", read.error().message}, {"hint", read.error().hint}});
}

void LearnedKeeper::save(std::function<void()> then) {
  keep(habits_, mesh::text_of(mesh_.habits()),
       [this, then = std::move(then)]() mutable { keep(loads_, mesh::text_of(mesh_.loads()), std::move(then)); });
}

void LearnedKeeper::keep(Kept& kept, std::string now, std::function<void()> then) {
  if (now == kept.text || (kept.text.empty() && !says_something(now))) return then();
  const store::SettingRow row{std::string(kept.setting), now, clock_.wall()};
  store_.ask([row](store::Store& s) { return s.set_setting(row); },
             std::function<void(Expected<void>)>(
                 [&kept, now = std::move(now), then = std::move(then)](const Expected<void>& done) {
                   if (done) kept.text = now;  // else the next quarter tries again
                   then();
                 }));
}

}  // namespace faelled::keeping
