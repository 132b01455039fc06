#include "portal/turn_places.hpp"

#include <utility>

namespace faelled::portal {

TurnPlaces::Place::Place(std::shared_ptr<Taken> taken, std::string person)
    : taken_(std::move(taken)), person_(std::move(person)) {
  ++taken_->of_person[person_];
}

TurnPlaces::Place::~Place() {
  if (!taken_) return;
  taken_->bytes -= bytes_;
  const auto own = taken_->of_person.find(person_);
  if (--own->second == 0) taken_->of_person.erase(own);
}

void TurnPlaces::Place::holds(std::size_t bytes) {
  taken_->bytes = taken_->bytes - bytes_ + bytes;
  bytes_ = bytes;
}

std::expected<TurnPlaces::Place, TurnPlaces::Full> TurnPlaces::take(const std::string& person, std::size_t bytes) {
  const auto own = taken_->of_person.find(person);
  if (own != taken_->of_person.end() && own->second >= bounds_.of_person_max) return std::unexpected(Full::person);
  if (taken_->bytes + bytes > bounds_.bytes_max) return std::unexpected(Full::all);
  Place place(taken_, person);
  place.holds(bytes);
  return place;
}

}  // namespace faelled::portal
