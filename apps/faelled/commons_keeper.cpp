#include "commons_keeper.hpp"

#include "mesh/balances.hpp"

namespace faelled::app {
namespace {

constexpr Duration tick_every = std::chrono::seconds(5);
constexpr Duration save_every = std::chrono::minutes(1);

}  // namespace

CommonsKeeper::CommonsKeeper(net::Loop& loop, const Clock& clock, mesh::Mesh& mesh, members::Directory& directory,
                             store::StoreThread& store, observe::Log& log)
    : clock_(clock),
      mesh_(mesh),
      directory_(directory),
      store_(store),
      log_(log),
      timer_(loop, [this] { tick(); }),
      saved_at_(clock.now()) {}

Expected<void> CommonsKeeper::restore() {
  tell_agreements();
  directory_.agreements().on_change([this] { tell_agreements(); });
  auto settings = store_.wait_for([](store::Store& s) { return s.settings(); });
  if (!settings) return std::unexpected(settings.error());
  for (const store::SettingRow& row : *settings) {
    if (row.key != mesh::balances_setting) continue;
    const auto balances = mesh::balances_of(row.value);
    if (!balances) {
      log_.error("what members lent and borrowed cannot be read, and begins anew",
                 {{"cause", balances.error().message}, {"hint", balances.error().hint}});
      continue;
    }
    for (const commons::Event& event : *balances) mesh_.restore(event);
  }
  timer_.arm(tick_every);
  return {};
}

void CommonsKeeper::tick() {
  timer_.arm(tick_every);
  if (directory_.member_count() != told_.size() || places() != told_places_ ||
      (changes_at_ && *changes_at_ <= clock_.wall()))
    tell_agreements();
  mesh_.tick();
  if (clock_.now() - saved_at_ >= save_every) save([] {});
}

std::uint32_t CommonsKeeper::places() const {
  std::uint32_t there = 0;
  for (const rpc::ModelStatus& model : mesh_.models()) there += model.places;
  return there;
}

void CommonsKeeper::tell_agreements() {
  const WallTime wall = clock_.wall();
  std::map<std::string, commons::Agree> now;
  // A promise beyond what is there counts in proportion to the largest one.
  told_places_ = places();
  changes_at_ = directory_.agreements().next_change(wall);
  const members::PlaceScale scale = directory_.agreements().places(told_places_, wall);
  for (const members::MemberRow& member : directory_.members()) {
    const members::Terms terms = directory_.agreements().terms(member.id, wall);
    commons::Agree agree;
    agree.member = member.id;
    agree.share = terms.share;
    agree.places = scale.of(terms.places);
    now.emplace(member.id, std::move(agree));
  }
  for (const auto& [id, agree] : now)
    if (const auto before = told_.find(id); before == told_.end() || before->second != agree) mesh_.agree(agree);
  told_ = std::move(now);
}

void CommonsKeeper::save(std::function<void()> then) {
  saved_at_ = clock_.now();
  std::string text = mesh::balances_text(mesh_.commons());
  if (text == saved_) return then();
  saved_ = text;
  store::SettingRow row{std::string(mesh::balances_setting), std::move(text), clock_.wall()};
  store_.ask([row = std::move(row)](store::Store& s) { return s.set_setting(row); },
             std::function<void(Expected<void>)>([this, then = std::move(then)](const Expected<void>& kept) {
               // The next minute tries again; a restart before that forgets a minute of lending.
               if (!kept) saved_.clear();
               then();
             }));
}

}  // namespace faelled::app
