#include "sim/what_if.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "base/limits.hpp"
#include "base/percentile.hpp"
#include "base/random.hpp"
#include "base/seconds.hpp"
#include "sim/names.hpp"
#include "sim/simulation.hpp"

namespace faelled::sim {
namespace {

constexpr std::uint64_t seed = 1;  // the same question has the same answer
constexpr Duration apart_max = std::chrono::minutes(15);

bool has_size(const Recorded& row) { return row.engine > Duration{}; }

// The length of a request on its place is so much per token of either kind: least squares, then scaled so that all
// together took as long as they did.
struct Fit {
  double xx = 0, xy = 0, yy = 0, xt = 0, yt = 0, x = 0, y = 0, t = 0;

  void add(const Recorded& row) {
    const double in = row.input_tokens, out = row.output_tokens;
    const double time = seconds(row.engine);
    xx += in * in, xy += in * out, yy += out * out, xt += in * time, yt += out * time;
    x += in, y += out, t += time;
  }
  void solve(double& in, double& out) const {
    const double det = xx * yy - xy * xy;
    in = 0;
    out = y > 0 ? t / y : 0;
    if (det > 1e-3 * xx * yy) {
      in = std::max(0.0, (xt * yy - yt * xy) / det);
      out = std::max(0.0, (yt * xx - xt * xy) / det);
    }
    const double told = in * x + out * y;
    if (told <= 0) {
      in = x > 0 ? t / x : 0;
      return;
    }
    in *= t / told;
    out *= t / told;
  }
};

std::uint32_t most_at_once(std::vector<std::pair<Duration, int>>& marks) {
  std::ranges::sort(marks);  // at the same moment ends come before beginnings
  int now = 0, most = 1;
  for (const auto& [at, change] : marks) most = std::max(most, now += change);
  return static_cast<std::uint32_t>(most);
}

std::vector<WhatIfAnswer::Speed> speeds_of(const WhatIf& question) {
  struct Seen {
    Fit fit;
    std::vector<std::pair<Duration, int>> marks;
    bool any = false;
  };
  std::map<std::string, Seen> seen;
  for (const Recorded& row : question.recorded) {
    Seen& model = seen[row.model];
    if (!has_size(row)) continue;
    model.any = true;
    model.fit.add(row);
    model.marks.emplace_back(row.at + row.waited, 1);
    model.marks.emplace_back(row.at + row.waited + row.engine, -1);
  }
  std::vector<WhatIfAnswer::Speed> speeds;
  for (auto& [id, model] : seen) {
    WhatIfAnswer::Speed speed{id, 0, 0, Places{}.output_token_s, model.any};
    for (const WhatIf::Model& told : question.models)
      if (told.id == id) speed.places = told.places;
    if (speed.places == 0) speed.places = most_at_once(model.marks);
    if (model.any) model.fit.solve(speed.input_token_s, speed.output_token_s);
    speeds.push_back(std::move(speed));
  }
  return speeds;
}

// Total, so that rows of the same moment stand alike on every machine.
bool earlier(const Recorded& a, const Recorded& b) {
  const auto key = [](const Recorded& row) {
    return std::tie(row.at, row.member, row.caller, row.model, row.input_tokens, row.output_tokens);
  };
  return key(a) < key(b);
}

// Who was refused asked for something too: as much as the others on average.
std::vector<Recorded> with_sizes(std::vector<Recorded> rows) {
  struct Sum {
    std::uint64_t count = 0, input = 0, output = 0;
  };
  std::map<std::string, Sum, std::less<>> sums;
  for (const Recorded& row : rows) {
    if (!has_size(row)) continue;
    Sum& sum = sums[row.model];
    ++sum.count;
    sum.input += row.input_tokens;
    sum.output += row.output_tokens;
  }
  for (Recorded& row : rows) {
    if (const Sum& sum = sums[row.model]; !has_size(row) && sum.count > 0) {
      row.input_tokens = static_cast<std::uint32_t>(sum.input / sum.count);
      row.output_tokens = static_cast<std::uint32_t>(sum.output / sum.count);
    }
    row.input_tokens = std::clamp<std::uint32_t>(row.input_tokens, 1, limits::sim_tokens_max);
    row.output_tokens = std::clamp<std::uint32_t>(row.output_tokens, 1, limits::sim_tokens_max);
  }
  return rows;
}

Duration moved(Duration at, Duration by, Duration window) {
  if (window <= Duration{}) return at;
  const Duration to = (at + by) % window;
  return to < Duration{} ? to + window : to;
}

class Demand {
 public:
  explicit Demand(const WhatIf& question) : question_(question), all_(with_sizes(question.recorded)) {
    std::ranges::sort(all_, earlier);
  }

  const std::vector<Recorded>& as_it_was() const { return all_; }

  // Whom added people are like: the member's people, its systems where it has no people, and where it has nobody, all.
  std::vector<std::string> patterns() const {
    for (const bool own : {true, false})
      for (const bool person : {true, false}) {
        std::set<std::string> found;
        for (const Recorded& row : all_)
          if ((!own || row.member == question_.member) && row.person == person) found.insert(row.caller);
        if (!found.empty()) return {found.begin(), found.end()};
      }
    return {};
  }

  Expected<std::vector<Recorded>> with_more() const {
    std::vector<Recorded> out;
    SeededRandom random(seed);
    if (auto done = multiply(out, random); !done) return std::unexpected(done.error());
    if (auto done = add_users(out, random); !done) return std::unexpected(done.error());
    std::ranges::sort(out, earlier);
    return out;
  }

 private:
  static Duration apart(SeededRandom& random) {
    return Duration(static_cast<Duration::rep>(random.below(2 * apart_max.count())) - apart_max.count());
  }
  static Expected<void> put(std::vector<Recorded>& out, Recorded row) {
    if (out.size() >= limits::what_if_requests_max)
      return fail(Errc::too_large,
                  "that would be more than " + std::to_string(limits::what_if_requests_max) + " requests",
                  "ask for less, or of fewer hours");
    out.push_back(std::move(row));
    return {};
  }

  Expected<void> multiply(std::vector<Recorded>& out, SeededRandom& random) const {
    const auto whole = static_cast<std::uint32_t>(question_.factor);
    const double part = question_.factor - whole;
    double owed = 0;
    std::map<std::pair<std::string, std::uint32_t>, Duration> by;  // each twin of a caller keeps its distance
    for (const Recorded& row : all_) {
      std::uint32_t times = 1;
      if (row.member == question_.member) {
        times = whole;
        if ((owed += part) >= 1) {
          owed -= 1;
          ++times;
        }
      }
      for (std::uint32_t twin = 0; twin < times; ++twin) {
        Recorded one = row;
        if (twin > 0) {
          const auto [found, fresh] = by.try_emplace({row.caller, twin});
          if (fresh) found->second = apart(random);
          one.at = moved(row.at, found->second, question_.window);
          one.caller += "+" + std::to_string(twin);
        }
        if (auto done = put(out, std::move(one)); !done) return done;
      }
    }
    return {};
  }

  Expected<void> add_users(std::vector<Recorded>& out, SeededRandom& random) const {
    const std::vector<std::string> like = patterns();
    if (like.empty()) return {};
    std::map<std::string, std::vector<const Recorded*>> rows;
    for (const Recorded& row : all_) rows[row.caller].push_back(&row);
    const auto count = static_cast<std::uint32_t>(like.size());
    const std::uint32_t full = question_.users_more / count * count;
    for (std::uint32_t user = 0; user < question_.users_more; ++user) {
      // The last round takes some, evenly from among them.
      const std::uint64_t nth =
          user < full ? user % count : std::uint64_t{user - full} * count / (question_.users_more - full);
      const Duration by = apart(random);
      for (const Recorded* row : rows[like[nth]]) {
        Recorded one = *row;
        one.member = question_.member;
        one.caller = "more-" + std::to_string(user);
        one.at = moved(row->at, by, question_.window);
        if (auto done = put(out, std::move(one)); !done) return done;
      }
    }
    return {};
  }

  const WhatIf& question_;
  std::vector<Recorded> all_;
};

Trace trace_of(const std::vector<Recorded>& rows) {
  Trace trace;
  Names members(trace.members), users(trace.users), models(trace.models);
  for (const Recorded& row : rows)
    trace.requests.push_back({row.at, members.index(row.member), users.index(row.caller, row.member),
                              models.index(row.model), row.input_tokens, row.output_tokens});
  return trace;
}

std::map<std::string, WhatIfAnswer::Fared> played(const std::vector<Recorded>& rows, const World& world,
                                                  const std::map<std::string, WhatIfAnswer::Speed>& speeds) {
  const Trace trace = trace_of(rows);
  const Result result = simulate(trace, world, "commons", std::nullopt).value();
  std::map<std::string, WhatIfAnswer::Fared> fared;
  std::map<std::string, std::vector<Duration>> waits;
  for (std::size_t at = 0; at < rows.size(); ++at) {
    const Recorded& row = rows[at];
    WhatIfAnswer::Fared& of = fared[row.member];
    const std::uint64_t work =
        std::uint64_t{world.work.input} * row.input_tokens + std::uint64_t{world.work.output} * row.output_tokens;
    ++of.requests;
    of.demanded += work;
    if (const auto& served = result.outcomes[at].served) {
      of.served += work;
      const WhatIfAnswer::Speed& speed = speeds.at(row.model);
      const std::chrono::duration<double> first(speed.input_token_s * row.input_tokens + speed.output_token_s);
      waits[row.member].push_back(
          std::max(Duration{}, served->first_token - std::chrono::duration_cast<Duration>(first)));
    } else {
      ++of.unserved;
    }
  }
  for (auto& [member, all] : waits) {
    std::ranges::sort(all);
    fared[member].wait_p50 = percentile(all, 50);
    fared[member].wait_p95 = percentile(all, 95);
  }
  return fared;
}

}  // namespace

Expected<WhatIfAnswer> what_if(const WhatIf& question) {
  const Demand demand(question);
  const auto more = demand.with_more();
  if (!more) return std::unexpected(more.error());
  WhatIfAnswer answer;
  answer.models = speeds_of(question);
  answer.users = static_cast<std::uint32_t>(demand.patterns().size());
  World world;
  world.members = question.members;
  world.others = question.others;
  std::map<std::string, WhatIfAnswer::Speed> speeds;
  for (const WhatIfAnswer::Speed& speed : answer.models) {
    world.engines.push_back(
        {speed.model, {speed.model}, {}, Places{speed.places, speed.input_token_s, speed.output_token_s}});
    speeds[speed.model] = speed;
  }
  if (world.engines.empty()) return answer;
  std::map<std::string, WhatIfAnswer::Member> members;
  for (auto& [id, fared] : played(demand.as_it_was(), world, speeds)) members[id].before = fared;
  for (auto& [id, fared] : played(*more, world, speeds)) members[id].after = fared;
  for (auto& [id, member] : members) {
    member.id = id;
    answer.members.push_back(std::move(member));
  }
  return answer;
}

}  // namespace faelled::sim
