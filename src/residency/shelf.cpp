#include "residency/shelf.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "residency/pack.hpp"

namespace faelled::residency {

bool Shelf::holds(ModelNumber model) const { return std::ranges::find(held_, model, &Held::model) != held_.end(); }

std::vector<ModelNumber> Shelf::models() const {
  std::vector<ModelNumber> all;
  for (const Held& held : held_) all.push_back(held.model);
  return all;
}

std::optional<std::vector<ModelNumber>> Shelf::put(ModelNumber model, std::span<const Model> catalogue,
                                                   const Weighing& weighing, Instant now) {
  const std::uint64_t wanted = catalogue[model].bytes;
  if (wanted > bytes_) return std::nullopt;
  std::vector<ModelNumber> gone;
  if (free() < wanted) {
    struct Candidate {
      double worth;
      ModelNumber model;
      std::uint64_t bytes;
      auto operator<=>(const Candidate&) const = default;
    };
    std::vector<Candidate> all;
    for (const Held& held : held_) all.push_back({worth(catalogue[held.model], weighing, now), held.model, held.bytes});
    std::ranges::sort(all);
    std::vector<std::uint64_t> bytes;
    for (const Candidate& one : all) bytes.push_back(one.bytes);
    const auto go = pack(bytes, free(), wanted);
    FAELLED_CHECK(go.has_value(), "all of them together leave the whole memory");
    for (const std::size_t i : *go) {
      gone.push_back(all[i].model);
      used_ -= all[i].bytes;
    }
    std::erase_if(held_, [&](const Held& h) { return std::ranges::find(gone, h.model) != gone.end(); });
  }
  held_.push_back({model, wanted});
  used_ += wanted;
  return gone;
}

}  // namespace faelled::residency
