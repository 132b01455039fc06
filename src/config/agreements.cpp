#include "config/agreements.hpp"

#include <yaml-cpp/yaml.h>

#include "base/day.hpp"
#include "config/document.hpp"
#include "config/fields.hpp"

namespace faelled::config {
namespace {

constexpr auto top_keys = std::to_array<std::string_view>({"share_by", "fee_by", "tiers", "agreements"});
constexpr auto key_keys = std::to_array<std::string_view>({"size_class", "inhabitants"});
constexpr auto band_keys = std::to_array<std::string_view>({"below", "value"});
constexpr auto slope_keys = std::to_array<std::string_view>({"each", "per", "knee", "above"});
constexpr auto tier_keys =
    std::to_array<std::string_view>({"id", "name", "share", "places", "wait_s", "models", "fee_ore"});
constexpr auto agreement_keys =
    std::to_array<std::string_view>({"member", "tier", "from", "until", "share", "places", "wait_s", "models",
                                     "fee_ore", "suspended", "reason_da", "reason_en"});
constexpr std::uint64_t slope_max = 1'000'000'000;
constexpr std::uint64_t fee_max = limits::fee_ore_max;

PlaceInFile place_of(const YAML::Node& node) {
  const YAML::Mark mark = node.Mark();
  if (mark.is_null()) return {};
  return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1};
}

std::string day_of(Fields& fields, std::string_view key, bool required) {
  const auto text = required ? fields.required(key, "2026-01-01") : fields.text(key);
  if (!text) return {};
  if (faelled::day_of(*text)) return *text;
  fields.wrong(key, fields.path(key) + " must be a day, not " + in_quotes(*text), "write it as 2026-01-31");
  return {};
}

std::optional<std::vector<std::string>> ids_of(Fields& fields, Problems& problems) {
  if (!fields.has("models")) return std::nullopt;
  std::vector<std::string> out;
  fields.list("models", limits::allowed_models_max, [&](const YAML::Node& node, const std::string& where) {
    if (node.IsScalar() && !node.Scalar().empty() && node.Scalar().size() <= limits::name_bytes_max) {
      out.push_back(node.Scalar());
    } else {
      problems.add(node, where + " must be the id of a model", "an empty list, [], is all models");
    }
  });
  return out;
}

// A word alone is "fixed"; the others have values of their own.
void read_key(Fields& top, std::string_view name, Problems& problems, std::uint64_t value_max, SizeKey& key) {
  const YAML::Node* node = top.find(name);
  if (!node) return;
  if (node->IsScalar()) {
    if (node->Scalar() == "fixed") return;
    const bool known = node->Scalar() == "size_class" || node->Scalar() == "inhabitants";
    return top.wrong(name,
                     top.path(name) + " " + in_quotes(node->Scalar()) + (known ? " has no values" : " is unknown"),
                     known ? "docs/agreements.md shows what belongs under it" : "use fixed, size_class or inhabitants");
  }
  Fields fields(problems, *node, std::string(name), key_keys);
  if (!node->IsMap()) return;
  if (fields.has("size_class") == fields.has("inhabitants"))
    return top.wrong(name, top.path(name) + " needs one of size_class and inhabitants",
                     "or 'fixed' where tiers and agreements say it");
  if (fields.has("size_class")) {
    key.kind = "size_class";
    fields.list("size_class", limits::size_bands_max, [&](const YAML::Node& entry, const std::string& where) {
      Fields band(problems, entry, where, band_keys);
      if (!entry.IsMap()) return;
      SizeBand& one = key.bands.emplace_back();
      one.below = band.number("below", {1, limits::inhabitants_max});
      if (band.has("value")) {
        one.value = band.number("value", {0, value_max}).value_or(0);
      } else if (!band.misspelt("value")) {
        band.wrong("value", where + ".value is missing", "for example value: 22");
      }
      const std::size_t count = key.bands.size();
      if (count > 1 && one.below && (!key.bands[count - 2].below || *key.bands[count - 2].below >= *one.below))
        band.wrong("below", where + ".below is not above that of the band before", "begin with the smallest");
    });
    if (key.bands.empty() || key.bands.back().below)
      fields.wrong("size_class", fields.path("size_class") + " has no band for the largest members",
                   "end with one that has a value and no 'below'");
    return;
  }
  key.kind = "inhabitants";
  Fields slope(problems, *fields.find("inhabitants"), fields.path("inhabitants"), slope_keys);
  if (!slope.node().IsMap()) return;
  if (!slope.has("each") && !slope.misspelt("each"))
    slope.wrong("each", slope.path("each") + " is missing", "for example each: 2500");
  key.each = slope.number("each", {0, slope_max}).value_or(0);
  key.per = slope.number("per", {1, slope_max}).value_or(1);
  key.knee = slope.number("knee", {1, limits::inhabitants_max});
  key.above = slope.number("above", {0, slope_max}).value_or(0);
  if (slope.has("above") != slope.has("knee") && !slope.misspelt("knee") && !slope.misspelt("above"))
    slope.wrong(slope.has("knee") ? "knee" : "above", slope.path("knee") + " and above belong together",
                "below the knee 'each' counts, beyond it 'above'");
}

template <class Row>
void read_values(Fields& fields, Problems& problems, Row& row) {
  row.share = fields.number("share", {1, limits::share_max});
  row.places = fields.number("places", {0, limits::member_places_max});
  row.wait_s = fields.number("wait_s", {0, limits::agreement_wait_s_max});
  row.models = ids_of(fields, problems);
  row.fee_ore = fields.number("fee_ore", {0, fee_max});
}

void read_tier(const YAML::Node& node, const std::string& where, Problems& problems, AgreementsFile& file) {
  Fields fields(problems, node, where, tier_keys);
  if (!node.IsMap()) return;
  Tier& tier = file.tiers.emplace_back();
  tier.at = place_of(node);
  tier.id = fields.required("id", "id: stor").value_or("");
  tier.name = fields.text("name").value_or("");
  read_values(fields, problems, tier);
}

void read_agreement(const YAML::Node& node, const std::string& where, Problems& problems, AgreementsFile& file) {
  Fields fields(problems, node, where, agreement_keys);
  if (!node.IsMap()) return;
  Agreement& agreement = file.agreements.emplace_back();
  agreement.at = place_of(node);
  agreement.member = fields.required("member", "member: aarhus").value_or("");
  agreement.tier = fields.required("tier", "tier: stor").value_or("");
  agreement.from = day_of(fields, "from", true);
  agreement.until = day_of(fields, "until", false);
  if (!agreement.from.empty() && !agreement.until.empty() && agreement.until < agreement.from)
    fields.wrong("until", fields.path("until") + ", the last day, comes before from", "swap the two days");
  read_values(fields, problems, agreement);
  agreement.suspended = fields.boolean("suspended").value_or(false);
  agreement.reason_da = fields.text("reason_da", limits::suspension_reason_bytes_max).value_or("");
  agreement.reason_en = fields.text("reason_en", limits::suspension_reason_bytes_max).value_or("");
}

void read_top(const YAML::Node& root, Problems& problems, AgreementsFile& file) {
  Fields top(problems, root, "", top_keys);
  if (!root.IsMap()) return;
  read_key(top, "share_by", problems, limits::share_max, file.share_by);
  read_key(top, "fee_by", problems, fee_max, file.fee_by);
  // Each must be there: an empty file would end everything.
  for (const std::string_view key : {"tiers", "agreements"})
    if (!top.has(key) && !top.misspelt(key))
      top.wrong(key, std::string(key) + " is missing", "'" + std::string(key) + ": []' for none at all");
  top.list("tiers", limits::tiers_max,
           [&](const YAML::Node& node, const std::string& where) { read_tier(node, where, problems, file); });
  top.list("agreements", limits::agreements_in_one_go_max,
           [&](const YAML::Node& node, const std::string& where) { read_agreement(node, where, problems, file); });
}

}  // namespace

ParsedAgreements parse_agreements(std::string_view text) {
  ParsedAgreements parsed;
  Problems problems;
  read_tree(
      text, problems, [&](const YAML::Node& root) { read_top(root, problems, parsed.file); },
      limits::agreements_file_bytes_max);
  parsed.problems = std::move(problems).in_file_order();
  return parsed;
}

}  // namespace faelled::config
