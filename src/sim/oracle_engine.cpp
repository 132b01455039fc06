#include "sim/oracle_engine.hpp"

#include <algorithm>

namespace faelled::sim {

OracleEngine::OracleEngine(EngineId id, const Pace& pace, const OracleBatching& batching, StepLength length)
    : id_(id), pace_(pace), batching_(batching), length_(length) {}

bool OracleEngine::can_ever_fit(const OracleBatching& batching, const Request& request) {
  return std::uint64_t{request.input_tokens} + request.output_tokens + batching.kv_tokens_per_member <
         batching.kv_tokens;
}

Turn OracleEngine::turn(Instant now, Desk& desk) {
  finish(now, desk);
  if (running_.empty() || decode_steps_ >= batching_.decode_steps_min) admit(now, desk);
  if (!admitted_.empty()) {
    doing_ = Doing::prefill;
    return {now + prefill_length(), std::nullopt};
  }
  if (running_.empty()) {
    doing_ = Doing::nothing;
    return {Instant::max(), batching_.looks_every};
  }
  doing_ = Doing::decode;
  return {now + decode_length(), std::nullopt};
}

void OracleEngine::finish(Instant now, Desk& desk) {
  if (doing_ == Doing::prefill) {
    for (Run run : admitted_) {  // the first token comes with the prompt
      ++run.tokens;
      ++run.produced;
      --run.left;
      desk.progressed(now, run.id, run.produced);
      insert(running_, run);
    }
    admitted_.clear();
    decode_steps_ = 0;
  } else if (doing_ == Doing::decode) {
    for (Run& run : running_) {
      ++run.tokens;
      ++run.produced;
      --run.left;
      desk.progressed(now, run.id, run.produced);
    }
    ++decode_steps_;
  }
  end_those_done(now, desk);
}

void OracleEngine::end_those_done(Instant now, Desk& desk) {
  while (!running_.empty() && running_.back().left == 0) {
    desk.ended(now, running_.back().id);
    running_.pop_back();
  }
}

void OracleEngine::admit(Instant now, Desk& desk) {
  std::uint64_t prompt_tokens = 0;
  while (const auto id = desk.next(now, id_)) {
    const Request& request = desk.request(*id);
    const Run run{*id, request.member, request.input_tokens, 0, request.output_tokens};
    prompt_tokens += run.tokens;
    const bool prompts_fit = prompt_tokens <= batching_.prefill_tokens_max || admitted_.empty();
    if (!prompts_fit || !fits(run)) return desk.declined(now, *id, id_);
    desk.granted(now, *id, id_);
    admitted_.push_back(run);
  }
}

// The peak of what all will hold together: when the i-th longest ends, it and those that outlive it hold what they hold
// now and one more for each step until then. Each member with a request among them takes its part once.
bool OracleEngine::fits(const Run& candidate) {
  imagined_ = running_;
  for (const Run& run : admitted_) insert(imagined_, {run.id, run.member, run.tokens + 1, 0, run.left - 1});
  insert(imagined_, {candidate.id, candidate.member, candidate.tokens + 1, 0, candidate.left - 1});
  std::uint64_t held = 0, peak = 0, count = 0, members = 0;
  for (auto run = imagined_.begin(); run != imagined_.end(); ++run) {
    held += run->tokens;
    peak = std::max(peak, held + ++count * run->left);
    if (std::ranges::find(imagined_.begin(), run, run->member, &Run::member) == run) ++members;
  }
  return peak + members * batching_.kv_tokens_per_member < batching_.kv_tokens;
}

void OracleEngine::insert(std::vector<Run>& runs, const Run& run) {
  runs.insert(std::ranges::upper_bound(runs, run.left, std::greater{}, &Run::left), run);
}

Duration OracleEngine::prefill_length() {
  std::uint64_t tokens = 0;
  for (const Run& run : admitted_) tokens += run.tokens;
  return length_(pace_.prefill_s + pace_.prefill_token_s * static_cast<double>(tokens));
}

Duration OracleEngine::decode_length() {
  std::uint64_t tokens = 0;
  std::uint32_t longest = 0;
  for (const Run& run : running_) {
    tokens += run.tokens;
    longest = std::max(longest, run.tokens);
  }
  const auto requests = static_cast<double>(running_.size());
  return length_(pace_.decode_s + pace_.decode_request_s * requests +
                 pace_.decode_token_s * static_cast<double>(tokens) + pace_.decode_longest_s * longest +
                 pace_.decode_request_longest_s * requests * longest);
}

}  // namespace faelled::sim
