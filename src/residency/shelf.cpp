#include "residency/shelf.hpp"

#include <algorithm>

namespace faelled::residency {

bool Shelf::holds(ModelNumber model) const { return std::ranges::find(models_, model) != models_.end(); }

std::optional<std::vector<ModelNumber>> Shelf::put(ModelNumber model, std::span<const Model> catalogue,
                                                   const Weighing& weighing, Instant now) {
  const std::uint64_t wanted = catalogue[model].bytes;
  if (wanted > bytes_) return std::nullopt;
  std::vector<ModelNumber> gone;
  if (free() < wanted) {
    struct Candidate {
      double worth;
      ModelNumber model;
      auto operator<=>(const Candidate&) const = default;
    };
    std::vector<Candidate> all;
    for (const ModelNumber m : models_) all.push_back({worth(catalogue[m], weighing, now), m});
    std::ranges::sort(all);
    std::uint64_t room = free();
    std::size_t taken = 0;
    for (; room < wanted; ++taken) room += catalogue[all[taken].model].bytes;
    for (std::size_t i = taken; i-- > 0;) {
      const std::uint64_t bytes = catalogue[all[i].model].bytes;
      if (room >= wanted + bytes)
        room -= bytes;
      else
        gone.push_back(all[i].model);
    }
    std::ranges::reverse(gone);
    std::erase_if(models_, [&](ModelNumber m) { return std::ranges::find(gone, m) != gone.end(); });
    for (const ModelNumber m : gone) used_ -= catalogue[m].bytes;
  }
  models_.push_back(model);
  used_ += wanted;
  return gone;
}

}  // namespace faelled::residency
