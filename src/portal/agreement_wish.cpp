#include "portal/agreement_wish.hpp"

#include <functional>

#include "base/day.hpp"
#include "base/limits.hpp"
#include "base/time_text.hpp"
#include "members/roles.hpp"
#include "portal/render.hpp"

namespace faelled::portal {
namespace {

using members::SizeKey;
using members::WishedAgreement;
using members::WishedTier;

// Whatever may be written: the plan says what is wrong with a number, all of them at once.
constexpr std::int64_t number_max = 1'000'000'000'000;

// Reads one field into its place; the first error is kept.
class Reading {
 public:
  explicit Reading(json::Fields& fields) : fields_(fields) {}

  template <class T>
  Reading& take(Expected<T> given, T& into) {
    if (!given) return wrong(given.error());
    into = std::move(*given);
    return *this;
  }
  Reading& text(std::string_view name, std::string& into) { return take(fields_.text(name), into); }
  Reading& maybe_text(std::string_view name, std::string& into) {
    auto given = fields_.maybe_text(name);
    if (!given) return wrong(given.error());
    into = given->value_or("");
    return *this;
  }
  Reading& maybe(std::string_view name, std::optional<std::int64_t>& into) {
    return take(fields_.maybe_integer(name, -number_max, number_max), into);
  }
  Reading& number(std::string_view name, std::int64_t& into) {
    std::optional<std::int64_t> given;
    maybe(name, given);
    into = given.value_or(into);
    return *this;
  }
  Reading& flag(std::string_view name, bool& into) {
    auto given = fields_.maybe_boolean(name);
    if (!given) return wrong(given.error());
    into = given->value_or(into);
    return *this;
  }
  Reading& day(std::string_view name, bool required, std::optional<store::Day>& into) {
    std::optional<std::string> text;
    take(fields_.maybe_text(name), text);
    if (text) into = day_of(*text);
    if (text ? !into : required)
      return wrong({Errc::invalid, fields_.path_of(name) + " is a day, such as 2026-11-23", {}});
    return *this;
  }
  Reading& texts(std::string_view name, std::optional<std::vector<std::string>>& into) {
    return each(
        name, limits::agreements_in_one_go_max,
        [&](json::Value item, const std::string& path) -> Expected<void> {
          auto text = item.text();
          if (!text) return fail(Errc::invalid, path + " must be a string");
          into->push_back(std::move(*text));
          return {};
        },
        [&] { into.emplace(); });
  }
  Reading& objects(std::string_view name, const std::function<Expected<void>(json::Fields&)>& one) {
    return each(
        name, limits::agreements_in_one_go_max,
        [&](json::Value item, const std::string& path) -> Expected<void> {
          auto fields = json::Fields::of(item, path);
          if (!fields) return std::unexpected(fields.error());
          if (auto read = one(*fields); !read) return read;
          return fields->finish();
        },
        [] {});
  }
  Reading& wrong(Error error) {
    if (!error_) error_ = std::move(error);
    return *this;
  }
  Expected<void> done() const { return error_ ? Expected<void>(std::unexpected(*error_)) : Expected<void>(); }

 private:
  Reading& each(std::string_view name, std::size_t max,
                const std::function<Expected<void>(json::Value, const std::string&)>& one,
                const std::function<void()>& there) {
    auto list = fields_.maybe_array(name);
    if (!list) return wrong(list.error());
    if (!*list) return *this;
    there();
    std::size_t index = 0;
    for (const json::Value item : (**list).items()) {
      if (index == max) return wrong({Errc::too_large, fields_.path_of(name) + " is too long", {}});
      if (auto read = one(item, fields_.path_of(name) + "[" + std::to_string(index++) + "]"); !read)
        return wrong(read.error());
    }
    return *this;
  }

  json::Fields& fields_;
  std::optional<Error> error_;
};

Expected<void> read_key(json::Fields& fields, SizeKey& key) {
  Reading reading(fields);
  std::string kind;
  reading.text("key", kind)
      .number("each", key.each)
      .number("per", key.per)
      .maybe("knee", key.knee)
      .number("above", key.above);
  reading.objects("bands", [&](json::Fields& band) {
    members::SizeBand& one = key.bands.emplace_back();
    return Reading(band).maybe("below", one.below).number("value", one.value).done();
  });
  const auto known = members::key_kind_of(kind);
  if (!known) reading.wrong({Errc::invalid, fields.path_of("key") + " is fixed, size_class or inhabitants", {}});
  key.kind = known.value_or(members::KeyKind::fixed);
  if (auto read = reading.done(); !read) return read;
  return fields.finish();
}

Expected<void> maybe_key(json::Fields& fields, std::string_view name, SizeKey& key) {
  auto inner = fields.maybe_object(name);
  if (!inner) return std::unexpected(inner.error());
  return *inner ? read_key(**inner, key) : Expected<void>();
}

Expected<WishedAgreement> read_agreement(json::Fields& fields) {
  WishedAgreement out;
  std::optional<store::Day> from;
  auto read = Reading(fields)
                  .text("member", out.member)
                  .text("tier", out.tier)
                  .day("from", true, from)
                  .day("until", false, out.until)
                  .maybe("share", out.share)
                  .maybe("places", out.places)
                  .maybe("wait_s", out.wait_s)
                  .texts("models", out.models)
                  .maybe("fee_ore", out.fee_ore)
                  .flag("suspended", out.suspended)
                  .maybe_text("reason_da", out.reason_da)
                  .maybe_text("reason_en", out.reason_en)
                  .maybe_text("replaces", out.replaces)
                  .done();
  if (!read) return std::unexpected(read.error());
  out.from = *from;
  return out;
}

void write_number_or_null(json::Writer& out, std::string_view name, const auto& number) {
  if (number) {
    out.member(name, *number);
  } else {
    out.member(name, nullptr);
  }
}

void write_ids(json::Writer& out, std::string_view name, const std::vector<std::string>& ids) {
  out.key(name).array();
  for (const std::string& id : ids) out.text(id);
  out.close_array();
}

std::string_view state_of(const store::AgreementRow& row, WallTime now) {
  if (row.ended_at && *row.ended_at <= now) return "ended";
  if (members::is_over(row, now)) return "over";
  return row.begins_at > now ? "coming" : "in_force";
}

void write_notes(json::Writer& out, std::string_view name, const std::vector<members::PlanNote>& notes) {
  out.key(name).array();
  for (const members::PlanNote& note : notes)
    out.object()
        .member_or_null("at", note.at)
        .member("message", note.message)
        .member("message_da", note.message_da)
        .close_object();
  out.close_array();
}

}  // namespace

Expected<WishedTier> read_tier(json::Fields& fields) {
  WishedTier out;
  std::optional<std::vector<std::string>> models;
  auto read = Reading(fields)
                  .text("id", out.id)
                  .maybe_text("name", out.name)
                  .maybe("share", out.share)
                  .number("places", out.places)
                  .maybe("wait_s", out.wait_s)
                  .texts("models", models)
                  .maybe("fee_ore", out.fee_ore)
                  .done();
  if (!read) return std::unexpected(read.error());
  out.models = std::move(models).value_or(std::vector<std::string>());
  return out;
}

Expected<WishedPlan> read_wish(json::Fields& fields) {
  WishedPlan out;
  members::AgreementWish& wish = out.wish;
  std::optional<std::vector<std::string>> ended, tiers_removed;
  Reading reading(fields);
  reading.flag("whole", wish.whole).maybe_text("plan", out.plan).texts("ended", ended);
  reading.texts("tiers_removed", tiers_removed);
  for (const auto& [name, key] : {std::pair("share_by", &wish.share_by), std::pair("fee_by", &wish.fee_by)})
    if (auto read = maybe_key(fields, name, *key); !read) reading.wrong(read.error());
  reading.objects("inhabitants", [&](json::Fields& row) -> Expected<void> {
    std::string member;
    std::int64_t number = 0;
    auto read = Reading(row).text("member", member).number("inhabitants", number).done();
    wish.inhabitants.insert_or_assign(std::move(member), number);
    return read;
  });
  reading.objects("tiers", [&](json::Fields& row) -> Expected<void> {
    auto tier = read_tier(row);
    if (!tier) return std::unexpected(tier.error());
    wish.tiers.push_back(std::move(*tier));
    return {};
  });
  reading.objects("agreements", [&](json::Fields& row) -> Expected<void> {
    auto agreement = read_agreement(row);
    if (!agreement) return std::unexpected(agreement.error());
    wish.agreements.push_back(std::move(*agreement));
    return {};
  });
  if (auto read = reading.done(); !read) return std::unexpected(read.error());
  if (auto all = fields.finish(); !all) return std::unexpected(all.error());
  wish.ended = std::move(ended).value_or(std::vector<std::string>());
  wish.tiers_removed = std::move(tiers_removed).value_or(std::vector<std::string>());
  return out;
}

void write_agreement(json::Writer& out, const store::AgreementRow& row, const AgreementView& view) {
  out.object()
      .member_or_null("id", row.id)
      .member("member", row.member)
      .member("tier", row.tier)
      .member("state", state_of(row, view.now))
      .member("from", day_text(row.from))
      .member_or_null("until", row.until ? day_text(*row.until) : "")
      .member("share", row.share)
      .member("places", row.places)
      .member("places_now", view.places.of(row.places));
  write_number_or_null(out, "wait_s", row.wait_s);
  write_ids(out, "models", row.models);
  out.member("fee_ore", row.fee_ore);
  write_number_or_null(out, "inhabitants", row.inhabitants == 0 ? std::nullopt : std::optional(row.inhabitants));
  out.member("suspended", row.suspended)
      .member_or_null("reason_da", row.reason_da)
      .member_or_null("reason_en", row.reason_en)
      .member_or_null("follows", row.follows)
      .member("begins_at", time_text(row.begins_at))
      .member_or_null("made_at", row.id.empty() ? "" : time_text(row.made_at))
      .member_or_null("made_by", view.who ? row.made_by : "")
      .member_or_null("ended_at", row.ended_at ? time_text(*row.ended_at) : "")
      .member_or_null("ended_by", view.who ? row.ended_by : "")
      .close_object();
}

const std::string_view csv_agreement_head =
    "id,member,tier,state,from,until,share,places,places_now,wait_s,models,fee_ore,inhabitants,suspended,reason_da,"
    "reason_en,follows,begins_at,made_at,made_by,ended_at,ended_by\r\n";

std::string csv_line(const store::AgreementRow& row, const AgreementView& view, CsvForm form) {
  const auto n = [](auto number) { return std::to_string(number); };
  std::string models;
  for (const std::string& id : row.models) models += (models.empty() ? "" : " ") + id;
  return csv_line(form, {row.id,
                         row.member,
                         row.tier,
                         state_of(row, view.now),
                         day_text(row.from),
                         row.until ? day_text(*row.until) : "",
                         n(row.share),
                         n(row.places),
                         n(view.places.of(row.places)),
                         row.wait_s ? n(*row.wait_s) : "",
                         models,
                         n(row.fee_ore),
                         row.inhabitants > 0 ? n(row.inhabitants) : "",
                         row.suspended ? "true" : "false",
                         row.reason_da,
                         row.reason_en,
                         row.follows,
                         time_text(row.begins_at),
                         time_text(row.made_at),
                         view.who ? row.made_by : "",
                         row.ended_at ? time_text(*row.ended_at) : "",
                         view.who ? row.ended_by : ""});
}

void write_tier(json::Writer& out, const store::TierRow& row, const members::PlaceScale& places) {
  out.object().member("id", row.id).member("name", row.name);
  write_number_or_null(out, "share", row.share);
  out.member("places", row.places).member("places_now", places.of(row.places));
  write_number_or_null(out, "wait_s", row.wait_s);
  write_ids(out, "models", row.models);
  write_number_or_null(out, "fee_ore", row.fee_ore);
  out.close_object();
}

void write_places(json::Writer& out, const members::PlaceScale& places) {
  out.key("places").object().member("promised", places.promised).member("there", places.there).close_object();
}

void write_plan(json::Writer& out, const members::AgreementPlan& plan, const AgreementView& view, bool applied) {
  out.object().member("applied", applied).member_or_null("plan", plan.id);
  write_notes(out, "problems", plan.problems);
  write_notes(out, "warnings", plan.warnings);
  out.key("steps").array();
  for (const members::PlanStep& step : plan.steps) {
    out.object().member("kind", members::name_of(step.kind));
    for (const auto& [name, row] :
         {std::pair("tier_before", &step.tier_before), std::pair("tier_after", &step.tier_after)}) {
      out.key(name);
      if (*row) {
        write_tier(out, **row, plan.places);
      } else {
        out.null();
      }
    }
    for (const auto& [name, row] : {std::pair("before", &step.before), std::pair("after", &step.after)}) {
      out.key(name);
      if (*row) {
        write_agreement(out, **row, view);
      } else {
        out.null();
      }
    }
    out.close_object();
  }
  out.close_array().member("over", plan.over);
  write_places(out, plan.places);
  out.close_object();
}

}  // namespace faelled::portal
