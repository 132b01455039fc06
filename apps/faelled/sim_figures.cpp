#include "sim_figures.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/seconds.hpp"
#include "json/writer.hpp"
#include "sim/fluid.hpp"
#include "sim/simulation.hpp"

namespace faelled::app {
namespace {

constexpr std::size_t members_shown_max = 32;

double part_served(const sim::MemberFigures& member) {
  return member.demanded_work > 0 ? member.served_work / member.demanded_work : 1;
}

// Of the models that were loaded before anybody asked, the part that was asked for. None: none was.
std::optional<double> precision_of(const sim::Loads& loads) {
  if (loads.warmed == 0) return std::nullopt;
  return static_cast<double>(loads.warmed_used) / static_cast<double>(loads.warmed);
}

void number_or_null(json::Writer& out, std::string_view key, const std::optional<double>& number) {
  out.key(key);
  if (number)
    out.number(*number);
  else
    out.null();
}

void write_members(json::Writer& out, const SimFigures& figures) {
  out.key("members").array();
  for (const auto& [id, share, member] : figures.members) {
    out.object()
        .member("id", id)
        .member("share", share)
        .member("requests", member.requests)
        .member("served", member.served)
        .member("demanded_work", member.demanded_work)
        .member("served_work", member.served_work)
        .member("served_of_demanded", part_served(member));
    number_or_null(out, "first_token_s", member.served > 0 ? std::optional(member.first_token_s) : std::nullopt);
    out.close_object();
  }
  out.close_array();
}

std::string text_of_waits(const SimFigures& figures) {
  if (!figures.waits) return "wait P50, P95, P99, max      nobody was served\n";
  return fmt::format("wait P50, P95, P99, max      {:.2f}, {:.2f}, {:.2f}, {:.2f} s\n", figures.waits->p50_s,
                     figures.waits->p95_s, figures.waits->p99_s, figures.waits->max_s);
}

std::string text_of_loads(const SimFigures& figures, const sim::Loads& loads) {
  std::string text = fmt::format(
      "requests                     {}\nserved                       {}\nmisses                       {} ({:.2f} %)\n"
      "loads                        {}\nload seconds                 {:.1f}\n",
      figures.requests, figures.served, loads.misses,
      figures.requests == 0 ? 0 : 100.0 * static_cast<double>(loads.misses) / static_cast<double>(figures.requests),
      loads.loads, loads.seconds);
  if (const auto precision = precision_of(loads))
    text += fmt::format("loaded before it was asked   {}, of which used {} ({:.1f} %)\n", loads.warmed,
                        loads.warmed_used, 100 * *precision);
  text += text_of_waits(figures);
  if (loads.past_promise) text += fmt::format("waited past the promise      {}\n", *loads.past_promise);
  return text;
}

}  // namespace

SimFigures figures_of(const sim::Result& result, const sim::World& world, double horizon_s) {
  const auto horizon = after_seconds(horizon_s);
  SimFigures figures;
  figures.requests = result.outcomes.size();
  for (const sim::Outcome& outcome : result.outcomes) figures.served += outcome.served ? 1 : 0;
  std::vector<sim::WorldMember> entitled;
  std::vector<std::uint32_t> shares;
  for (const std::string& id : result.members) {
    entitled.push_back(sim::member_of(world, id));
    shares.push_back(entitled.back().share);
  }
  figures.tokens_per_s = sim::tokens_per_s(result);
  figures.difference = sim::service_difference(result, world.work, horizon);
  figures.backlogged = sim::backlogged(result, world.work, entitled, horizon);
  figures.light_first_token_s = sim::light_first_token_s(result);
  figures.light_lateness_s = sim::light_lateness_s(result, world.work, shares);
  figures.waits = sim::waits(result);
  figures.loads = result.loads;
  figures.floor_violations = result.floor_violations;
  const auto members = sim::by_member(result, world.work);
  for (std::size_t i = 0; i < members.size(); ++i)
    figures.members.push_back({result.members[i], shares[i], members[i]});
  return figures;
}

std::string json_of(const SimFigures& figures, std::optional<std::string_view> policy,
                    std::optional<std::uint64_t> seed) {
  std::string text;
  json::Writer out(text);
  out.object().key("policy");
  if (policy)
    out.text(*policy);
  else
    out.null();
  out.key("seed");
  if (seed)
    out.unsigned_integer(*seed);
  else
    out.null();
  out.member("requests", figures.requests)
      .member("served", figures.served)
      .member("tokens_per_s", figures.tokens_per_s)
      .member("max_difference", figures.difference.max)
      .member("mean_difference", figures.difference.mean)
      .member("mean_difference_of_service", figures.difference.mean_of_service)
      .member("jain_mean", figures.difference.jain_mean);
  number_or_null(out, "jain_backlogged", figures.backlogged.jain);
  number_or_null(out, "backlogged_share", figures.backlogged.share);
  number_or_null(out, "light_lateness_s", figures.light_lateness_s);
  number_or_null(out, "light_first_token_s", figures.light_first_token_s);
  const sim::Loads loads = figures.loads.value_or(sim::Loads{});
  out.key("wait_s").object();
  constexpr auto of_waits =
      std::to_array<std::pair<std::string_view, double sim::Waits::*>>({{"p50", &sim::Waits::p50_s},
                                                                        {"p95", &sim::Waits::p95_s},
                                                                        {"p99", &sim::Waits::p99_s},
                                                                        {"max", &sim::Waits::max_s}});
  for (const auto& [key, figure] : of_waits)
    number_or_null(out, key, figures.waits ? std::optional(*figures.waits.*figure) : std::nullopt);
  out.close_object()
      .member("loads", loads.loads)
      .member("load_seconds", loads.seconds)
      .member("misses", loads.misses)
      .member("warmed", loads.warmed)
      .member("warmed_used", loads.warmed_used);
  number_or_null(out, "prefetch_precision", precision_of(loads));
  out.key("past_promise");
  if (loads.past_promise)
    out.unsigned_integer(*loads.past_promise);
  else
    out.null();
  out.key("floor_violations");
  if (figures.floor_violations)
    out.unsigned_integer(*figures.floor_violations);
  else
    out.null();
  write_members(out, figures);
  out.close_object();
  return text;
}

std::string text_of(const SimFigures& figures, std::optional<std::string_view> policy,
                    std::optional<std::uint64_t> seed) {
  std::string text;
  if (policy) text += fmt::format("policy                       {}\n", *policy);
  if (seed) text += fmt::format("seed                         {}\n", *seed);
  if (figures.loads) return text + text_of_loads(figures, *figures.loads);
  text += fmt::format(
      "requests                     {}\nserved                       {}\ntokens per second            {:.1f}\n"
      "service difference, max      {:.1f}\nservice difference, mean     {:.1f} ({:.2f} % of service)\n"
      "Jain index, mean             {:.4f}\n",
      figures.requests, figures.served, figures.tokens_per_s, figures.difference.max, figures.difference.mean,
      100 * figures.difference.mean_of_service, figures.difference.jain_mean);
  const auto add = [&](std::string_view name, const std::optional<double>& number, int digits, std::string_view unit) {
    if (number) text += fmt::format("{:<29}{:.{}f}{}\n", name, *number, digits, unit);
  };
  add("Jain index, all backlogged", figures.backlogged.jain, 4, "");
  add("backlogged share", figures.backlogged.share, 3, "");
  add("light members' lateness", figures.light_lateness_s, 2, " s");
  add("light members' first token", figures.light_first_token_s, 2, " s");
  text += text_of_waits(figures);
  if (figures.floor_violations) text += fmt::format("floor violations             {}\n", *figures.floor_violations);
  if (figures.members.size() > members_shown_max) return text;
  text += "\nmember                requests    served  work served  first token\n";
  for (const auto& [id, share, member] : figures.members)
    text +=
        fmt::format("{:<20}{:>10}{:>10}{:>11.1f} %{:>13}\n", id, member.requests, member.served,
                    100 * part_served(member), member.served > 0 ? fmt::format("{:.2f} s", member.first_token_s) : "–");
  return text;
}

std::string json_of(const BoundFigures& figures, std::string_view policy) {
  std::string text;
  json::Writer out(text);
  out.object()
      .member("policy", policy)
      .member("requests", figures.requests)
      .member("load_seconds", figures.load_seconds_least)
      .close_object();
  return text;
}

std::string text_of(const BoundFigures& figures, std::string_view policy) {
  return fmt::format(
      "policy                       {}\nrequests                     {}\nload seconds, at least       {:.1f}\n", policy,
      figures.requests, figures.load_seconds_least);
}

}  // namespace faelled::app
