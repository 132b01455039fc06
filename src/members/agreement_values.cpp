#include "members/agreement_values.hpp"

#include <algorithm>
#include <ranges>

#include "base/limits.hpp"
#include "base/names.hpp"

namespace faelled::members {
namespace {

std::string text(std::int64_t number) { return std::to_string(number); }

// Enough to see what they look like: there may be a hundred thousand.
std::string listed(std::vector<std::string> ids) {
  constexpr std::size_t shown_max = 20;
  std::ranges::sort(ids);
  std::string out;
  for (const std::string& id : std::views::take(ids, shown_max)) out += (out.empty() ? "" : ", ") + id;
  return out + (ids.size() > shown_max ? ", …" : "");
}

}  // namespace

void PlanNotes::add(std::string at, std::string message, std::string message_da) {
  if (all_.size() < limits::agreement_problems_max)
    all_.push_back({std::move(at), std::move(message), std::move(message_da)});
}

void AgreementValues::check_keys() {
  for (const auto& [name, key] : {std::pair("share_by", &wish_.share_by), std::pair("fee_by", &wish_.fee_by)})
    if (auto ok = check(*key); !ok)
      problems_.add(name, std::string(name) + ": " + ok.error().message,
                    std::string(name) + " kan ikke bruges: " + ok.error().message);
  for (const auto& [member, number] : wish_.inhabitants)
    in_range(number, 1, limits::inhabitants_max, "inhabitants", "the number of inhabitants of " + member);
}

bool AgreementValues::in_range(std::int64_t value, std::int64_t min, std::int64_t max, const std::string& at,
                               std::string_view name) {
  if (value >= min && value <= max) return true;
  problems_.add(at, std::string(name) + " is " + text(value) + "; it can be " + text(min) + " to " + text(max),
                std::string(name) + " er " + text(value) + "; det kan være " + text(min) + " til " + text(max));
  return false;
}

const std::string& AgreementValues::models_told() {
  if (models_told_.empty()) models_told_ = listed(facts_.all_models());
  return models_told_;
}

std::optional<std::vector<std::string>> AgreementValues::models(std::vector<std::string> ids, const std::string& at) {
  std::ranges::sort(ids);
  const auto [first, last] = std::ranges::unique(ids);
  ids.erase(first, last);
  if (ids.size() > limits::allowed_models_max) {
    const std::string max = text(limits::allowed_models_max);
    problems_.add(at + ".models", "these are too many models; name at most " + max + ", or none, which is all",
                  "det er for mange modeller; vælg højst " + max + ", eller ingen: så er det alle");
    return std::nullopt;
  }
  bool known = true;
  for (const std::string& id : ids) {
    if (facts_.is_model(id)) continue;
    known = false;
    problems_.add(at + ".models", "there is no model '" + id.substr(0, 100) + "'; there are: " + models_told(),
                  "der er ingen model '" + id.substr(0, 100) + "'; der er: " + models_told());
  }
  if (!known) return std::nullopt;
  return ids;
}

std::optional<TierRow> AgreementValues::tier(const WishedTier& wished, const std::string& at) {
  bool good = true;
  if (auto ok = check_member_id(wished.id); !ok) {
    problems_.add(at + ".id", "'" + wished.id.substr(0, 100) + "' is no id of a tier; " + ok.error().hint,
                  "'" + wished.id.substr(0, 100) + "' kan ikke være en aftaletypes id: brug bogstaver, tal, . _ og -");
    good = false;
  }
  const std::string name = wished.name.empty() ? wished.id : wished.name;
  if (auto ok = check_name("the tier's name", name); good && !ok) {
    problems_.add(at + ".name", ok.error().message, "navnet kan ikke bruges: " + ok.error().message);
    good = false;
  }
  if (wished.share) good = in_range(*wished.share, 1, limits::share_max, at + ".share", "share") && good;
  good = in_range(wished.places, 0, limits::member_places_max, at + ".places", "places") && good;
  if (wished.wait_s) good = in_range(*wished.wait_s, 0, limits::agreement_wait_s_max, at + ".wait_s", "wait_s") && good;
  if (wished.fee_ore) good = in_range(*wished.fee_ore, 0, limits::fee_ore_max, at + ".fee_ore", "fee_ore") && good;
  auto ids = models(wished.models, at);
  if (!good || !ids) return std::nullopt;
  TierRow row;
  row.id = wished.id;
  row.name = name;
  if (wished.share) row.share = static_cast<std::uint32_t>(*wished.share);
  row.places = static_cast<std::uint32_t>(wished.places);
  if (wished.wait_s) row.wait_s = static_cast<std::uint32_t>(*wished.wait_s);
  row.models = std::move(*ids);
  row.fee_ore = wished.fee_ore;
  return row;
}

AgreementValues::Number AgreementValues::by_key(const SizeKey& key, Number wished, Number of_tier,
                                                const WishedAgreement& agreement, const std::string& at, bool share,
                                                bool& reckoned) {
  const std::string name = share ? "share" : "fee_ore", place = at + "." + name;
  const std::int64_t min = share ? 1 : 0, max = share ? std::int64_t{limits::share_max} : limits::fee_ore_max;
  if (wished) return in_range(*wished, min, max, place, name) ? wished : std::nullopt;
  if (key.kind == KeyKind::fixed) {
    if (!of_tier)
      problems_.add(
          place,
          agreement.member + " has no " + name + ": neither the agreement nor the tier " + agreement.tier + " says one",
          agreement.member + (share ? " har ingen andel" : " har ingen pris") + ": hverken aftalen eller aftaletypen " +
              agreement.tier + " angiver den");
    return of_tier;
  }
  const auto inhabitants = wish_.inhabitants.find(agreement.member);
  if (inhabitants == wish_.inhabitants.end()) {
    problems_.add(
        place,
        std::string(share ? "shares" : "fees") + " go by " + std::string(name_of(key.kind)) +
            ", and nobody says how many inhabitants " + agreement.member + " has",
        std::string(share ? "andele" : "priser") + " følger indbyggertallet, og " + agreement.member + " har intet");
    return std::nullopt;
  }
  if (inhabitants->second < 1 || inhabitants->second > limits::inhabitants_max || !check(key))
    return std::nullopt;  // noted by check_keys()
  reckoned = true;
  const std::int64_t value = value_of(key, inhabitants->second);
  return in_range(value, min, max, place, name) ? Number(value) : std::nullopt;
}

std::optional<AgreementRow> AgreementValues::agreement(const WishedAgreement& wished, const TierRow& tier,
                                                       const std::string& at) {
  bool good = true;
  const auto problem = [&](const std::string& where, std::string message, std::string message_da) {
    problems_.add(at + where, std::move(message), std::move(message_da));
    good = false;
  };
  if (wished.until && *wished.until < wished.from)
    problem(".until", "until, the last day, comes before from", "til og med-datoen ligger før fra-datoen");
  for (const auto& [name, reason] :
       {std::pair(".reason_da", &wished.reason_da), std::pair(".reason_en", &wished.reason_en)}) {
    if (wished.suspended && reason->empty())
      problem(name, "a suspended agreement has a reason in Danish and in English, which the member's people read",
              "en aftale, der er sat i bero, skal have en begrundelse på dansk og engelsk, som kommunens folk læser");
    if (!wished.suspended && !reason->empty())
      problem(name, "only a suspended agreement has a reason", "kun en aftale, der er sat i bero, har en begrundelse");
    if (auto ok = check_reason(*reason); !ok)
      problem(name, "the reason is too long or has odd characters",
              "begrundelsen er for lang eller har mærkelige tegn");
  }
  bool reckoned = false;
  const auto share = by_key(wish_.share_by, wished.share, tier.share, wished, at, true, reckoned);
  const auto fee = by_key(wish_.fee_by, wished.fee_ore, tier.fee_ore, wished, at, false, reckoned);
  if (wished.places) good = in_range(*wished.places, 0, limits::member_places_max, at + ".places", "places") && good;
  if (wished.wait_s) good = in_range(*wished.wait_s, 0, limits::agreement_wait_s_max, at + ".wait_s", "wait_s") && good;
  const auto ids = models(wished.models.value_or(tier.models), at);
  if (!good || !share || !fee || !ids) return std::nullopt;
  AgreementRow row;
  row.member = wished.member;
  row.tier = wished.tier;
  row.from = wished.from;
  row.until = wished.until;
  row.share = static_cast<std::uint32_t>(*share);
  row.places = wished.places ? static_cast<std::uint32_t>(*wished.places) : tier.places;
  row.wait_s = wished.wait_s ? std::optional(static_cast<std::uint32_t>(*wished.wait_s)) : tier.wait_s;
  row.models = *ids;
  row.fee_ore = *fee;
  if (reckoned) row.inhabitants = static_cast<std::uint32_t>(wish_.inhabitants.find(wished.member)->second);
  row.suspended = wished.suspended;
  row.reason_da = wished.reason_da;
  row.reason_en = wished.reason_en;
  return row;
}

}  // namespace faelled::members
