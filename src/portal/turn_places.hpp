// TurnPlaces: how many answers each person has under way on the page, and how large the questions of all of them are:
// nobody takes all turns, and what waits for an answer has a bound. A place is taken before the question is kept, so
// that those which begin at the same time are counted too. Owned by Turns; loop's thread.
#pragma once

#include <cstddef>
#include <expected>
#include <map>
#include <memory>
#include <string>

namespace faelled::portal {

class TurnPlaces {
  struct Taken {
    std::map<std::string, std::size_t> of_person;
    std::size_t bytes = 0;
  };

 public:
  struct Bounds {
    std::size_t of_person_max = 16;  // a page shows one
    std::size_t bytes_max = 256U * 1024U * 1024U;
  };
  enum class Full { person, all };

  // Given back at its end.
  class Place {
   public:
    Place(std::shared_ptr<Taken> taken, std::string person);
    Place(Place&& from) noexcept = default;
    Place& operator=(Place&&) = delete;
    ~Place();

    void holds(std::size_t bytes);  // the question, with all that goes with it

   private:
    std::shared_ptr<Taken> taken_;  // shared: a turn's frame may end with the loop, after the portal; null: moved from
    std::string person_;
    std::size_t bytes_ = 0;
  };

  explicit TurnPlaces(Bounds bounds) : bounds_(bounds) {}

  std::expected<Place, Full> take(const std::string& person, std::size_t bytes);

 private:
  const Bounds bounds_;
  std::shared_ptr<Taken> taken_ = std::make_shared<Taken>();
};

}  // namespace faelled::portal
