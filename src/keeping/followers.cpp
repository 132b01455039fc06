#include "keeping/followers.hpp"

#include <utility>

namespace faelled::keeping {
namespace {

using store::NamedKind;
using store::NamedRow;

constexpr std::size_t page = 1000;

}  // namespace

Expected<void> each_named(store::StoreThread& store, NamedKind kind,
                          const std::function<void(const std::vector<NamedRow>&)>& told) {
  for (std::string after;;) {
    const auto rows = store.wait_for([&](store::Store& s) { return s.named(kind, after, page); });
    if (!rows) return std::unexpected(rows.error());
    told(*rows);
    if (rows->size() < page) return {};
    after = rows->back().name;
  }
}

void Followers::hear(const store::Changes& changes) {
  if (changes.everything || std::exchange(all_again, false)) read_on(NamedKind::model, {});
  catalogue.hear(changes.models);
  aliases.hear(changes.aliases);
  if (changes.everything || !changes.settings.empty()) loop.spawn(portal.follow());
}

void Followers::read_on(NamedKind kind, const std::string& after) {
  store.ask([kind, after](store::Store& s) { return s.named(kind, after, page); },
            std::function<void(Expected<std::vector<NamedRow>>)>([this, kind](const auto& rows) {
              if (!rows) {
                all_again = true;
                return;
              }
              kind == NamedKind::model ? catalogue.hear(*rows) : aliases.hear(*rows);
              if (rows->size() == page) return read_on(kind, rows->back().name);
              if (kind == NamedKind::model) read_on(NamedKind::alias, {});
            }));
}

}  // namespace faelled::keeping
