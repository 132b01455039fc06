// PackedModel: a model of the catalogue as it is kept while nobody uses it: what differs from nothing, in one piece of
// some hundred bytes where CatalogueModel takes more than a thousand. A value that stays where it is: views of its id
// live as long as it does, and when it is moved.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/catalogue_model.hpp"

namespace faelled::gateway {

class PackedModel {
 public:
  // `programs`: paths that most models share, kept once; as long as what refers to them.
  PackedModel(const CatalogueModel& model, std::vector<std::string>& programs);

  CatalogueModel unpacked(const std::vector<std::string>& programs) const;
  std::string_view id() const;
  std::string_view name() const;
  std::uint64_t version() const;
  std::uint32_t places() const;
  // It has aliases or adapters.
  bool has_other_names() const;
  // It is for some members alone.
  bool for_some() const;

 private:
  std::unique_ptr<char[]> bytes_;
};

}  // namespace faelled::gateway
