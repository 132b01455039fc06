#include "sim/workload.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "base/random.hpp"

namespace faelled::sim {
namespace {

constexpr auto all = std::to_array<Workload>({
    {"overload", "two members that ask for 1.5 and 3 requests a second, of 256 and 256 tokens, at even intervals", 360},
    {"overload-multi", "three members with 0.4 requests a second and five with 0.6, of 256 and 256 tokens", 360},
    {"poisson_short_long_2", "8 requests a second of 512 and 32 tokens beside 1.5 of 32 and 512, Poisson", 600},
    {"unpredictable",
     "two members with 2 requests a second of 1,024 tokens, answers of 64 or, one in five, 1,024, Poisson", 600},
    {"on_off_less",
     "one member with 0.5 requests a second in every other minute beside one with 2, of 256 and 256 tokens", 600},
    {"greed",
     "16 members with fitful needs of 0.8 of their share of 40 places, and four that ask for three times theirs", 2400},
    {"greed_fits",
     "16 members that need their share of 40 places in fits of four minutes, each in its own time, and four as above",
     7200},
    {"office",
     "two weeks of ten members that ask 86 models in sessions, mostly in office hours, with habits that drift",
     14 * 24 * 3600},
    {"turns_150", "four members, one of them with 85 % of 150 requests in ten minutes, to three models in turn", 600},
    {"turns_300", "the same with 300 requests", 600},
    {"turns_600", "the same with 600 requests", 600},
});

class Maker {
 public:
  // Not the stream that the same seed gives an engine.
  explicit Maker(std::uint64_t seed) : random_(seed ^ 0x776f726b6c6f6164) {}

  double uniform() { return static_cast<double>((random_.next() >> 11U) + 1) * 0x1p-53; }  // in (0, 1]
  double exponential(double mean) { return -mean * std::log(uniform()); }
  bool chance(double part) { return uniform() <= part; }

  void ask(std::string_view member, double at_s, std::uint32_t input_tokens, std::uint32_t output_tokens,
           std::string_view model = "llama-2-7b") {
    const std::uint32_t index = place_of(members_, member);
    const auto at = std::chrono::milliseconds(std::llround(at_s * 1000));
    requests_.push_back({at, index, index, place_of(models_, model), input_tokens, output_tokens});
  }

  // Members, users and models are told apart in order of their first request, as reading the trace would.
  Trace finished() {
    std::ranges::sort(requests_, {}, [](const Request& request) {
      return std::tuple(request.at, request.member, request.input_tokens, request.output_tokens);
    });
    constexpr auto unseen = std::numeric_limits<std::uint32_t>::max();
    std::vector<std::uint32_t> place(members_.size(), unseen), model_place(models_.size(), unseen);
    Trace trace;
    for (Request& request : requests_) {
      std::uint32_t& model = model_place[request.model];
      if (model == unseen) {
        model = static_cast<std::uint32_t>(trace.models.size());
        trace.models.push_back(models_[request.model]);
      }
      request.model = model;
      std::uint32_t& to = place[request.member];
      if (to == unseen) {
        to = static_cast<std::uint32_t>(trace.members.size());
        trace.members.push_back(members_[request.member]);
        trace.users.push_back(members_[request.member] + "-u1");
      }
      request.member = request.user = to;
    }
    trace.requests = std::move(requests_);
    return trace;
  }

 private:
  static std::uint32_t place_of(std::vector<std::string>& names, std::string_view name) {
    const auto known = std::ranges::find(names, name);
    const auto index = static_cast<std::uint32_t>(known - names.begin());
    if (known == names.end()) names.emplace_back(name);
    return index;
  }

  SeededRandom random_;
  std::vector<std::string> members_, models_;
  std::vector<Request> requests_;
};

std::string numbered(std::string_view name, int number) {
  return std::string(name) + (number < 10 ? "0" : "") + std::to_string(number);
}

// At even intervals from a random moment of the first one, where `on` says so.
template <class On>
void evenly(Maker& maker, std::string_view member, double per_s, double seconds, On on) {
  for (double at = maker.uniform() / per_s; at < seconds; at += 1 / per_s)
    if (on(at)) maker.ask(member, at, 256, 256);
}
constexpr auto always = [](double) { return true; };

void overload(Maker& maker, double seconds) {
  evenly(maker, "m01", 3, seconds, always);
  evenly(maker, "m02", 1.5, seconds, always);
}

void overload_multi(Maker& maker, double seconds) {
  for (int i = 1; i <= 8; ++i) evenly(maker, numbered("m", i), i <= 5 ? 0.6 : 0.4, seconds, always);
}

void poisson(Maker& maker, double per_s, double seconds, auto&& request) {
  for (double at = maker.exponential(1 / per_s); at < seconds; at += maker.exponential(1 / per_s)) request(at);
}

void poisson_short_long(Maker& maker, double seconds) {
  poisson(maker, 8, seconds, [&](double at) { maker.ask("short-answers", at, 512, 32); });
  poisson(maker, 1.5, seconds, [&](double at) { maker.ask("long-answers", at, 32, 512); });
}

void unpredictable(Maker& maker, double seconds) {
  for (int i = 1; i <= 2; ++i)
    poisson(maker, 2, seconds,
            [&](double at) { maker.ask(numbered("m", i), at, 1024, maker.chance(0.2) ? 1024 : 64); });
}

void on_off_less(Maker& maker, double seconds) {
  evenly(maker, "greedy", 2, seconds, always);
  evenly(maker, "modest", 0.5, seconds, [](double at) { return static_cast<int>(at / 60) % 2 == 0; });
}

// A need that comes in fits of a minute, and for all in the same hours: a peak and a lull in turn.
struct Fitful {
  double per_s;  // mean
  double on_part = 0.8, fit_s = 60;
  double swing = 0.5, lull_s = 300;

  void ask(Maker& maker, double seconds, auto&& request) const {
    const double every_s = on_part / (per_s * (1 + swing));  // in a fit, at the peak
    bool on = maker.chance(on_part);
    for (double at = 0; at < seconds; on = !on) {
      const double until = std::min(seconds, at + maker.exponential(on ? fit_s : fit_s * (1 - on_part) / on_part));
      for (double next = at + maker.exponential(every_s); on && next < until; next += maker.exponential(every_s)) {
        const bool peak = static_cast<int>(next / lull_s) % 2 == 0;
        if (peak || maker.chance((1 - swing) / (1 + swing))) request(next);
      }
      at = until;
    }
  }
};

// 40 places of 20 ms a token serve 2,000 output tokens a second.
void greed(Maker& maker, double seconds) {
  constexpr double tokens_per_s = 40 / 0.02, members = 20, tokens_mean = 256;
  constexpr double share_per_s = tokens_per_s / members / tokens_mean;  // requests
  const auto ask = [&](std::string_view member, double at) {
    const double tokens = std::clamp(std::ceil(maker.exponential(tokens_mean)), 1.0, 2048.0);
    maker.ask(member, at, 64, static_cast<std::uint32_t>(tokens));
  };
  for (int i = 1; i <= 16; ++i)
    Fitful{0.8 * share_per_s}.ask(maker, seconds, [&](double at) { ask(numbered("honest-", i), at); });
  for (int i = 1; i <= 4; ++i)
    poisson(maker, 3 * share_per_s, seconds, [&](double at) { ask(numbered("greedy-", i), at); });
}

// Each honest member needs its share on average, and all of it in a third of the time: what it leaves idle meanwhile
// is lent, and it wants it back when its fit comes. Together they need 0.8 of what there is.
void greed_fits(Maker& maker, double seconds) {
  constexpr double tokens_per_s = 40 / 0.02, members = 20, tokens_mean = 256, fit_s = 240, pause_s = 480;
  constexpr double share_per_s = tokens_per_s / members / tokens_mean;  // requests
  const auto ask = [&](std::string_view member, double at) {
    const double tokens = std::clamp(std::ceil(maker.exponential(tokens_mean)), 1.0, 2048.0);
    maker.ask(member, at, 64, static_cast<std::uint32_t>(tokens));
  };
  for (int i = 1; i <= 16; ++i) {
    bool on = maker.chance(fit_s / (fit_s + pause_s));
    const double every_s = fit_s / (fit_s + pause_s) / share_per_s;  // in a fit
    for (double at = 0; at < seconds; on = !on) {
      const double until = std::min(seconds, at + maker.exponential(on ? fit_s : pause_s));
      for (double next = at + maker.exponential(every_s); on && next < until; next += maker.exponential(every_s))
        ask(numbered("honest-", i), next);
      at = until;
    }
  }
  for (int i = 1; i <= 4; ++i)
    poisson(maker, 3 * share_per_s, seconds, [&](double at) { ask(numbered("greedy-", i), at); });
}

// Sessions of some four requests to one model, a minute apart on average; twelve times as many in office hours. Models
// are as popular as Zipf has it, in an order drawn from the seed; now and then two of them change places.
void office(Maker& maker, double seconds) {
  constexpr int models = 86;
  constexpr double day_s = 24 * 3600, sessions_a_day = 1700, elsewhen = 0.08, drift = 0.002, zipf = 1.1;
  std::vector<double> weight(models);
  for (int i = 0; i < models; ++i) weight[static_cast<std::size_t>(i)] = std::pow(i + 1, -zipf);
  const auto some = [&](std::size_t below) {
    return std::min(static_cast<std::size_t>(maker.uniform() * static_cast<double>(below)), below - 1);
  };
  for (std::size_t i = weight.size(); i > 1; --i) std::swap(weight[i - 1], weight[some(i)]);
  double weights = 0;
  for (const double one : weight) weights += one;
  poisson(maker, sessions_a_day / day_s, seconds, [&](double at) {
    const double hour = std::fmod(at, day_s) / 3600;
    const bool open = static_cast<int>(at / day_s) % 7 < 5 && hour >= 8 && hour < 16;
    if (!open && !maker.chance(elsewhen)) return;
    if (maker.chance(drift)) std::swap(weight[some(weight.size())], weight[some(weight.size())]);
    double point = maker.uniform() * weights;
    std::size_t model = 0;
    while (model + 1 < weight.size() && point > weight[model]) point -= weight[model++];
    const std::string member = numbered("m", static_cast<int>(some(10)) + 1);
    const auto requests = 1 + static_cast<int>(maker.exponential(3));
    for (int i = 0; i < requests; ++i, at += maker.exponential(60))
      maker.ask(member, at, 512, 128, numbered("model-", static_cast<int>(model) + 1));
  });
}

// Answers of 200 tokens on average, none longer than 1,000. The greedy member asks all models, each other one its own.
template <int requests>
void turns(Maker& maker, double seconds) {
  const auto ask = [&](const std::string& member, int model, double at) {
    const double tokens = std::min(8 + maker.exponential(192), 1000.0);
    maker.ask(member, at, 200, static_cast<std::uint32_t>(tokens), numbered("model-", model));
  };
  poisson(maker, 0.85 * requests / seconds, seconds,
          [&](double at) { ask("greedy", 1 + static_cast<int>(maker.uniform() * 2.999999), at); });
  for (int i = 1; i <= 3; ++i)
    poisson(maker, 0.05 * requests / seconds, seconds, [&](double at) { ask(numbered("modest-", i), i, at); });
}

}  // namespace

std::span<const Workload> workloads() { return all; }

Expected<Trace> make_workload(std::string_view name, std::uint64_t seed) {
  using Make = void (*)(Maker&, double);
  constexpr auto makers = std::to_array<Make>({overload, overload_multi, poisson_short_long, unpredictable, on_off_less,
                                               greed, greed_fits, office, turns<150>, turns<300>, turns<600>});
  static_assert(makers.size() == all.size());
  std::string names;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].name == name) {
      Maker maker(seed);
      makers[i](maker, all[i].seconds);
      return maker.finished();
    }
    names += (names.empty() ? "" : ", ") + std::string(all[i].name);
  }
  return fail(Errc::invalid, "there is no workload '" + std::string(name) + "'", "there are: " + names);
}

}  // namespace faelled::sim
