// AgreementsFile: what an operator writes of tiers and agreements in one YAML file for `faelled apply`, and the CSV of
// inhabitants beside it. Every mistake is told at once, with its line. Values; docs/agreements.md describes every key.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace faelled::config {

struct SizeBand {
  std::optional<std::uint64_t> below;
  std::uint64_t value = 0;
};

// `kind`: "fixed", "size_class" or "inhabitants".
struct SizeKey {
  std::string kind = "fixed";
  std::vector<SizeBand> bands = {};
  std::uint64_t each = 0;
  std::uint64_t per = 1;
  std::optional<std::uint64_t> knee = {};
  std::uint64_t above = 0;
};

struct PlaceInFile {
  std::size_t line = 0;
  std::size_t column = 0;
};

struct Tier {
  PlaceInFile at;
  std::string id;
  std::string name;  // empty: the id
  std::optional<std::uint64_t> share = {};
  std::optional<std::uint64_t> places = {};
  std::optional<std::uint64_t> wait_s = {};
  std::optional<std::vector<std::string>> models = {};
  std::optional<std::uint64_t> fee_ore = {};
};

struct Agreement {
  PlaceInFile at;
  std::string member;
  std::string tier;
  std::string from;   // "2026-01-31"
  std::string until;  // empty: until it is ended
  std::optional<std::uint64_t> share = {};
  std::optional<std::uint64_t> places = {};
  std::optional<std::uint64_t> wait_s = {};
  std::optional<std::vector<std::string>> models = {};
  std::optional<std::uint64_t> fee_ore = {};
  bool suspended = false;
  std::string reason_da, reason_en;
};

struct AgreementsFile {
  SizeKey share_by;
  SizeKey fee_by;
  std::vector<Tier> tiers;
  std::vector<Agreement> agreements;
};

struct ParsedAgreements {
  AgreementsFile file;            // of use only when there is no problem
  std::vector<Problem> problems;  // in the order of the file
};
ParsedAgreements parse_agreements(std::string_view text);

// CSV with the heading member,inhabitants (or with ';' or a tab between them), one line for each member.
struct ParsedInhabitants {
  std::map<std::string, std::uint64_t> of;
  std::vector<Problem> problems;
};
ParsedInhabitants parse_inhabitants(std::string_view text);

}  // namespace faelled::config
