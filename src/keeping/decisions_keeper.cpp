#include "keeping/decisions_keeper.hpp"

#include "base/limits.hpp"

namespace faelled::keeping {

DecisionsKeeper::DecisionsKeeper(net::Loop& loop, const Clock& clock, mesh::Mesh& mesh,
                                 decisions::DecisionLog& decisions, observe::Log& log)
    : clock_(clock), mesh_(mesh), decisions_(decisions), log_(log), timer_(loop, [this] { write(); }) {
  mesh_.on_decision([this](Instant at, const commons::Event& event, std::span<const commons::Action> actions) {
    decisions_.saw(at, event, actions);
    if (decisions_.full()) decisions_.write(clock_.now(), clock_.wall());
    if (!timer_.armed()) timer_.arm(limits::decisions_write_every);
  });
}

void DecisionsKeeper::write() {
  tell(decisions_.written());
  if (!decisions_.waiting()) return;
  decisions_.write(clock_.now(), clock_.wall());
  timer_.arm(limits::decisions_write_every);  // to hear how it ended
}

void DecisionsKeeper::close() {
  mesh_.on_decision({});
  timer_.cancel();
  tell(decisions_.close(clock_.now(), clock_.wall()));
}

// Once, until it is well again.
void DecisionsKeeper::tell(const Expected<void>& written) {
  if (!written && !told_)
    log_.error("the decision log cannot be written",
               {{"cause", written.error().message}, {"hint", written.error().hint}});
  if (written && told_) log_.info("the decision log is written again", {{"events_lost", decisions_.lost()}});
  told_ = !written;
}

}  // namespace faelled::keeping
