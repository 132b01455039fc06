#include "sim/paged_engine.hpp"

#include <algorithm>
#include <cmath>

namespace faelled::sim {

PagedEngine::PagedEngine(EngineId id, const Pace& pace, const PagedBatching& batching, StepLength length)
    : id_(id),
      pace_(pace),
      batching_(batching),
      length_(length),
      free_blocks_(batching.kv_tokens / batching.block_tokens),
      spare_blocks_(static_cast<std::uint32_t>(std::ceil(batching.watermark * free_blocks_))) {}

std::uint32_t PagedEngine::blocks_for(const PagedBatching& batching, std::uint32_t tokens) {
  return tokens / batching.block_tokens + (tokens % batching.block_tokens > 0 ? 1 : 0);
}

bool PagedEngine::can_ever_fit(const PagedBatching& batching, const Request& request) {
  const std::uint64_t tokens = std::uint64_t{request.input_tokens} + request.output_tokens;
  return tokens <= std::uint64_t{batching.kv_tokens} / batching.block_tokens * batching.block_tokens;
}

Turn PagedEngine::turn(Instant now, Desk& desk) {
  finish(now, desk);
  const Duration length = begin(now, desk);
  if (running_.empty()) return {Instant::max(), Duration{}};
  return {now + length, std::nullopt};
}

void PagedEngine::finish(Instant now, Desk& desk) {
  std::erase_if(running_, [&](Run& run) {
    if (run.computed < run.tokens) return false;
    ++run.tokens;
    ++run.produced;
    desk.progressed(now, run.id, run.produced);
    if (run.produced < desk.request(run.id).output_tokens) return false;
    free_blocks_ += run.blocks;
    desk.ended(now, run.id);
    return true;
  });
}

Duration PagedEngine::begin(Instant now, Desk& desk) {
  budget_ = batching_.step_tokens_max;
  prompt_tokens_ = decoding_ = 0;
  const std::size_t preempted_before = preempted_.size();
  for (std::size_t at = 0; at < running_.size() && budget_ > 0; ++at) {
    if (!make_room(at, now, desk)) break;
    read(running_[at]);
  }
  if (preempted_.size() == preempted_before) take_in(now, desk);
  return step_length();
}

bool PagedEngine::make_room(std::size_t at, Instant now, Desk& desk) {
  const Run& run = running_[at];
  const std::uint32_t blocks = blocks_for(run.computed + std::min(budget_, run.tokens - run.computed));
  while (blocks > run.blocks + free_blocks_) {
    const bool itself = at + 1 == running_.size();
    preempt_last(now, desk);
    if (itself) return false;
  }
  return true;
}

void PagedEngine::preempt_last(Instant now, Desk& desk) {
  Run& last = running_.back();
  free_blocks_ += last.blocks;
  last.computed = last.blocks = 0;
  preempted_.push_front(last);
  running_.pop_back();
  desk.preempted(now, preempted_.front().id);
}

void PagedEngine::take_in(Instant now, Desk& desk) {
  const auto open = [&] { return budget_ > 0 && running_.size() < batching_.requests_max; };
  for (; open() && !preempted_.empty(); preempted_.pop_front())
    if (!admit(preempted_.front())) return;
  while (open()) {
    const auto id = desk.next(now, id_);
    if (!id) return;
    if (!admit({*id, desk.request(*id).input_tokens, 0, 0, 0})) return desk.declined(now, *id, id_);
    desk.granted(now, *id, id_);
  }
}

bool PagedEngine::admit(Run run) {
  run.blocks = blocks_for(run.tokens);
  if (run.blocks + (running_.empty() ? 0 : spare_blocks_) > free_blocks_) return false;
  free_blocks_ -= run.blocks;
  read(running_.emplace_back(run));
  return true;
}

void PagedEngine::read(Run& run) {
  const std::uint32_t tokens = std::min(budget_, run.tokens - run.computed);
  if (run.produced > 0 && run.tokens - run.computed == 1)
    ++decoding_;
  else
    prompt_tokens_ += tokens;
  budget_ -= tokens;
  run.computed += tokens;
  const std::uint32_t blocks = std::max(run.blocks, blocks_for(run.computed));
  free_blocks_ -= blocks - run.blocks;
  run.blocks = blocks;
}

Duration PagedEngine::step_length() {
  std::uint64_t held = 0;
  std::uint32_t longest = 0;
  for (const Run& run : running_) {
    held += run.computed;
    longest = std::max(longest, run.computed);
  }
  const auto requests = static_cast<double>(decoding_);
  return length_((prompt_tokens_ > 0 ? pace_.prefill_s : 0) + pace_.prefill_token_s * prompt_tokens_ + pace_.decode_s +
                 pace_.decode_request_s * requests + pace_.decode_token_s * static_cast<double>(held) +
                 pace_.decode_longest_s * longest + pace_.decode_request_longest_s * requests * longest);
}

}  // namespace faelled::sim
