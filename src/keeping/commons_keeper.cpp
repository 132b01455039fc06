#include "keeping/commons_keeper.hpp"

#include <algorithm>
#include <utility>

namespace faelled::keeping {
namespace {

constexpr Duration tick_every = std::chrono::seconds(5);
constexpr Duration save_every = std::chrono::minutes(1);
constexpr int save_tries_max = 5;      // of servers that save at once
constexpr std::size_t unsure_max = 5;  // a database that takes and does not answer for longer loses some lending

// Nothing: none are kept. Errors: the store's, invalid.
Expected<std::optional<mesh::Balances>> read_kept(store::Store& store) {
  const auto kept = store.find_setting(mesh::balances_setting);
  if (!kept) return std::unexpected(kept.error());
  if (!*kept) return std::nullopt;
  auto read = mesh::read_balances((*kept)->value);
  if (!read) return std::unexpected(read.error());
  return std::move(*read);
}

}  // namespace

CommonsKeeper::CommonsKeeper(net::Loop& loop, const Clock& clock, mesh::Mesh& mesh, members::Directory& directory,
                             store::StoreThread& store, observe::Log& log, std::function<std::uint64_t()> places)
    : clock_(clock),
      mesh_(mesh),
      directory_(directory),
      store_(store),
      log_(log),
      timer_(loop, [this] { tick(); }),
      places_(std::move(places)),
      saved_at_(clock.now()) {}

Expected<void> CommonsKeeper::restore() {
  tell_agreements();
  directory_.agreements().on_change([this] { tell_agreements(); });
  const auto kept = store_.wait_for([](store::Store& s) { return read_kept(s); });
  if (!kept && kept.error().code != Errc::invalid) return std::unexpected(kept.error());
  if (!kept)
    log_.error("what members lent and borrowed cannot be read, and begins anew",
               {{"cause", kept.error().message}, {"hint", kept.error().hint}});
  else if (*kept)
    take(**kept);
  timer_.arm(tick_every);
  return {};
}

void CommonsKeeper::tick() {
  timer_.arm(tick_every);
  if (directory_.member_count() != told_.size() || places_() != told_places_ ||
      (changes_at_ && *changes_at_ <= clock_.wall()))
    tell_agreements();
  mesh_.tick();
  if (!saving_ && clock_.now() - saved_at_ >= save_every) save([] {});
}

void CommonsKeeper::tell_agreements() {
  const WallTime wall = clock_.wall();
  std::map<std::string, commons::Agree> now;
  // A promise beyond what is there counts in proportion to the largest one.
  told_places_ = places_();
  changes_at_ = directory_.agreements().next_change(wall);
  const members::PlaceScale scale = directory_.agreements().places(
      static_cast<std::uint32_t>(std::min<std::uint64_t>(told_places_, UINT32_MAX)), wall);
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

void CommonsKeeper::take(const mesh::Balances& balances) {
  for (const commons::Event& event : mesh::events_of(balances)) mesh_.restore(event);
  kept_ = mesh::sum(kept_, balances);
}

void CommonsKeeper::save(std::function<void()> then) {
  // One at a time: what is on its way already must not come back as another server's.
  if (saving_) {
    save_again_ = std::move(then);
    return;
  }
  saved_at_ = clock_.now();
  const mesh::Balances own = mesh::balances_of(mesh_.commons());
  if (own == kept_) return then();
  saving_ = true;
  // Gives what others kept since we last looked; what cannot be read is theirs to lose.
  const auto tried = std::make_shared<Tried>();
  const auto job = [own, known = kept_, unsure = unsure_, tried,
                    wall = clock_.wall()](store::Store& s) -> Expected<mesh::Balances> {
    for (int tries = 1;; ++tries) {
      const auto kept = s.find_setting(mesh::balances_setting);
      if (!kept) return std::unexpected(kept.error());
      const auto there = *kept ? std::optional((*kept)->value) : std::nullopt;
      mesh::Balances others;
      if (there) {
        const auto read = mesh::read_balances(*there);
        const auto was = std::ranges::find(unsure, *there, &Tried::text);
        const mesh::Balances& ours = was == unsure.end() ? known : was->own;
        if (read && *read != ours) others = mesh::difference(*read, ours);
      }
      *tried = {mesh::text_of(mesh::sum(own, others)), own};
      const auto set = s.replace_setting({std::string(mesh::balances_setting), tried->text, wall}, there);
      if (set) return others;
      // Another server was between.
      if (set.error().code != Errc::conflict || tries == save_tries_max) return std::unexpected(set.error());
    }
  };
  store_.ask(job, std::function<void(Expected<mesh::Balances>)>(
                      [this, own, tried, then = std::move(then)](const Expected<mesh::Balances>& others) {
                        saving_ = false;
                        // A failure: the next minute tries again; a restart before that forgets a minute of lending.
                        if (others) {
                          kept_ = own;
                          unsure_.clear();
                        } else if (!tried->text.empty()) {
                          unsure_.push_back(*tried);
                          if (unsure_.size() > unsure_max) unsure_.erase(unsure_.begin());
                        }
                        if (others && *others != mesh::Balances{}) take(*others);
                        then();
                        if (save_again_) save(std::exchange(save_again_, nullptr));
                      }));
}

}  // namespace faelled::keeping
