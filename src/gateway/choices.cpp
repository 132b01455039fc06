#include "gateway/choices.hpp"

#include <algorithm>

#include "openai/answer.hpp"

namespace faelled::gateway {

Choices::Choices(Context& context, const members::Caller& caller, const openai::Request& request,
                 const Catalogue::Asked& asked, const std::string& request_id, const std::string& traceparent,
                 AnswerSink& sink)
    : context_(context),
      request_(request),
      sink_(sink),
      id_((request.endpoint == openai::Endpoint::chat ? "chatcmpl-" : "cmpl-") + request_id),
      bodies_(request.choices()) {
  times_.lane = asked.lane;
  members::Caller quiet = caller;  // waiting is shown once, by the first
  quiet.show_waiting = store::ShowWaiting::off;
  for (std::uint32_t number = 0; number < request.choices(); ++number) {
    openai::Request one = request.choice(number);
    one.form.id = id_;
    branches_.emplace_back(*this, number);
    exchanges_.push_back(std::make_unique<Exchange>(
        context, number == 0 ? caller : quiet, std::move(one), asked,
        number == 0 ? request_id : request_id + "-" + std::to_string(number), traceparent, branches_.back()));
  }
}

net::Task<void> Choices::run() {
  sink_.on_gone([this] {
    for (const Branch& branch : branches_) branch.client_gone();
  });
  running_ = exchanges_.size();
  for (std::size_t number = 0; number < exchanges_.size(); ++number) context_.loop.spawn(run_one(number));
  co_await ended_;  // even where all of them have ended by now: what says so is still to come, and needs us
  sink_.on_gone(nullptr);
  finish();
}

net::Task<void> Choices::run_one(std::size_t number) {
  co_await exchanges_[number]->run();
  if (!branches_[number].ended_well()) withdraw_others(number);
  // In a turn of its own: this may be deep inside a call of another choice, which would find everything gone.
  if (--running_ == 0) context_.loop.post([this] { ended_.set(); });
}

void Choices::Branch::whole(std::string_view json, const AnswerTimes& times) {
  ended_well_ = true;
  all_.bodies_[number_] = json;
  all_.times_.queued = std::max(all_.times_.queued, times.queued);
  all_.times_.processing = std::max(all_.times_.processing, times.processing);
}

void Choices::Branch::open(const AnswerTimes& times) {
  if (!all_.sink_.opened()) all_.sink_.open(times);
}

void Choices::Branch::client_gone() const {
  if (const auto callback = on_gone_) callback();
}

void Choices::failed(std::size_t number, const openai::ApiError& error) {
  if (error_) return;
  error_ = error;
  withdraw_others(number);
}

void Choices::withdraw_others(std::size_t number) {
  for (std::size_t other = 0; other < exchanges_.size(); ++other) {
    if (other != number) exchanges_[other]->withdraw();
  }
}

void Choices::finish() {
  if (sink_.gone()) return;
  if (error_) return sink_.opened() ? sink_.broken(*error_) : sink_.fail(*error_);
  // Given up without a word, as where the client reads too slowly: nothing more is said, and no end.
  if (!std::ranges::all_of(branches_, &Branch::ended_well)) return;
  openai::Usage sum{.prompt_tokens = 0, .cached_tokens = 0, .output_tokens = 0, .known = true};
  for (const auto& exchange : exchanges_) sum += exchange->usage();
  if (!request_.stream) {
    return sink_.whole(openai::merge_answers(bodies_, sum, context_.document), times_);
  }
  if (!sink_.opened()) sink_.open(times_);
  if (request_.form.include_usage && sum.known) {
    const std::int64_t created_s = unix_seconds(context_.clock.wall());
    sink_.event(openai::usage_chunk(request_, id_, request_.model, created_s, sum));
  }
  sink_.done();
}

}  // namespace faelled::gateway
