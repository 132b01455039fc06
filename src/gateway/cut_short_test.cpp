// Invariant: one ending
// What is cut short by its client, who hangs up on each of the five paths or reads too slowly, or by a deadline: the
// place and the engine are free.
#include "gateway/testing.hpp"

namespace faelled::gateway {
namespace {

using CutShort = GatewayTest;

TEST_F(CutShort, HangingUpInTheLineLeavesTheLine) {
  start();
  std::size_t asked = 0;
  for (const bool ready : {true, false})  // queued, and waiting for a model that starts
    for (const bool stream : {true, false}) {
      mesh_.model_ready = ready;
      const auto body = [&]() -> Task<void> {
        auto peer = co_await ask(chat(stream));
        co_await mesh_.came;
        EXPECT_EQ(mesh_.waiting(), 1U);
        peer.hang_up();
        co_await net::turns_until(loop_, [&] { return mesh_.waiting() == 0; });
        EXPECT_EQ(rows().size(), ++asked);
        EXPECT_EQ(mesh_.ends.size(), asked);
        EXPECT_EQ(mesh_.ends.back().outcome, rpc::Outcome::cancelled);
        EXPECT_EQ(rows().back().outcome, ledger::Outcome::cancelled);
        if (!ready) EXPECT_GT(rows().back().load_us, 0);
      };
      net::run(loop_, body());
    }
}

TEST_F(CutShort, HangingUpFreesTheEngineAtOnce) {
  enum class When { before_the_first_token, mid_stream, not_streamed };
  mesh_.places = 1;
  start();
  std::size_t asked = 0;
  for (const When when : {When::before_the_first_token, When::mid_stream, When::not_streamed}) {
    const auto body = [&]() -> Task<void> {
      auto peer = co_await ask(chat(when != When::not_streamed));
      auto engine = co_await engine_->request();
      if (when == When::mid_stream) {
        co_await engine.say(stream_head() + role() + word("hej"));
        EXPECT_TRUE(co_await peer.hears("hej"));
      }
      const Instant hung_up = loop_.now();
      peer.hang_up();
      EXPECT_FALSE(co_await engine.more()) << "the engine's connection is closed";
      EXPECT_LT(loop_.now() - hung_up, Duration(1s));
      co_await net::turns_until(loop_, [&] { return mesh_.running() == 0; });
      EXPECT_EQ(rows().size(), ++asked);
      EXPECT_EQ(mesh_.ends.size(), asked);
      EXPECT_EQ(mesh_.ends.back().outcome, rpc::Outcome::cancelled);
      EXPECT_FALSE(mesh_.ends.back().engine_fault);
      EXPECT_EQ(rows().back().outcome, ledger::Outcome::cancelled);
      EXPECT_EQ(rows().back().output_tokens, when == When::mid_stream ? 1U : 0U);
      // Else it would be free of charge; but whose the place is follows from what the engine is known to have begun.
      EXPECT_GT(rows().back().input_tokens, 0U);
      EXPECT_EQ(mesh_.ends.back().prompt_tokens, rows().back().input_tokens);
      EXPECT_EQ(mesh_.ends.back().prompt_assumed, when != When::mid_stream);
    };
    net::run(loop_, body());
  }
}

TEST_F(CutShort, APromptThatNoEngineCouldReadIsChargedAsNoMoreThanFits) {
  mesh_.places = 1;
  mesh_.shown.emplace().context_tokens = 100;
  run([&]() -> Task<void> {
    auto peer = co_await ask(post(
        "/v1/chat/completions",
        R"({"model":"m","stream":true,"messages":[{"role":"user","content":")" + std::string(8000, 'a') + "\"}]}"));
    auto engine = co_await engine_->request();
    peer.hang_up();
    EXPECT_FALSE(co_await engine.more());
    EXPECT_EQ((co_await one_row()).input_tokens, 100U);
    EXPECT_TRUE(mesh_.ends.back().prompt_assumed);
  });
}

// Else it would be free of charge, for the ledger and for the commons.
TEST_F(CutShort, WhatAnEngineHadSaidIsBookedThoughNobodyAskedForAStream) {
  mesh_.places = 1;
  mesh_.engine_kind = "llama";
  run([&]() -> Task<void> {
    std::size_t asked = 0;
    for (const bool hangs_up : {true, false}) {
      auto peer = co_await ask(chat(false));
      auto engine = co_await engine_->request();
      co_await engine.say(stream_head() + role() + word("hej") + word("igen"));
      co_await net::turns_until(loop_, [&] { return !mesh_.progress_told.empty(); });
      EXPECT_EQ(mesh_.progress_told.back().output_tokens, 2U);
      mesh_.progress_told.clear();
      if (hangs_up) {
        peer.hang_up();
        EXPECT_FALSE(co_await engine.more());
      } else {
        co_await engine.say(chunk("data: no JSON\n\n"));
        EXPECT_TRUE(co_await peer.hears("engine_failed"));
      }
      co_await net::turns_until(loop_, [&] { return rows().size() == asked + 1; });
      EXPECT_EQ(rows().size(), ++asked);
      EXPECT_EQ(rows().back().output_tokens, 2U);
      EXPECT_GT(rows().back().input_tokens, 0U);
      EXPECT_EQ(mesh_.ends.back().output_tokens, 2U);
    }
  });
}

TEST_F(CutShort, AClientFoundGoneByAKeepAliveEndsItsRequestOnThatStack) {
  context_->settings.keep_alive_every = 20ms;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true));
    co_await mesh_.came;
    // In one turn: the keep-alive falls due, then the client goes, then the keep-alive is written.
    loop_.post([&] {
      loop_.post([&] { peer.hang_up(); });
      const auto end = std::chrono::steady_clock::now() + 25ms;
      while (std::chrono::steady_clock::now() < end) {
      }
    });
    co_await net::turns_until(loop_, [&] { return !rows().empty(); });
    EXPECT_EQ((co_await one_row()).outcome, ledger::Outcome::cancelled);
    EXPECT_EQ(mesh_.waiting(), 0U);
  });
}

// --- deadlines ------------------------------------------------------------------------------------------------------

TEST_F(CutShort, WhoWaitedTooLongIsToldWhenToComeAgain) {
  context_->settings.wait_max = 20ms;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true));
    EXPECT_TRUE(co_await peer.hears("message_da"));
    EXPECT_TRUE(peer.got.starts_with("HTTP/1.1 429"));
    EXPECT_LE(std::stoi(header(peer.got, "Retry-After")), 120);
    const auto row = co_await one_row();
    EXPECT_EQ(row.outcome, ledger::Outcome::refused);
    EXPECT_GE(row.queue_us, 19'000);
    EXPECT_EQ(mesh_.waiting(), 0U);
  });
}

// What was promised is kept, and shown: for an absent model the mesh may promise more than the limit, and no less.
TEST_F(CutShort, AnAbsentModelIsWaitedForAsLongAsIsPromisedAndNoLonger) {
  context_->settings.wait_max = 1ms;
  context_->settings.total_max = 2ms;  // an answer's: the wait has a bound of its own
  context_->settings.keep_alive_every = 5ms;
  mesh_.model_ready = false;
  mesh_.promised = 1100ms;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true));
    const Instant asked = loop_.now();
    EXPECT_TRUE(co_await peer.hears(": waiting position=1 model_ready=false ready_in_s=7 at_most_s=1\n"));
    EXPECT_TRUE(co_await peer.hears("0\r\n\r\n"));
    EXPECT_TRUE(peer.got.contains(R"("code":"rate_limit_exceeded")")) << peer.got;
    EXPECT_GE(loop_.now() - asked, Duration(1000ms));
    const auto row = co_await one_row();
    EXPECT_EQ(row.outcome, ledger::Outcome::refused);
    EXPECT_EQ(row.cause, "waited too long");
  });
}

TEST_F(CutShort, AnEstimateThatWasWrongCountsAlsoWhereTheWaitWasInVain) {
  context_->settings.wait_max = 20ms;
  mesh_.model_ready = false;
  const auto counted = [this](int waits) {
    return metrics_.text().contains("faelled_wake_ratio_count{model=\"m\"} " + std::to_string(waits));
  };
  run([&]() -> Task<void> {
    mesh_.ready_in = 7s;  // whether that was right nobody knows
    auto sooner = co_await ask(chat(false));
    EXPECT_TRUE(co_await sooner.hears("message_da"));
    EXPECT_TRUE(counted(0)) << metrics_.text();
    mesh_.ready_in = 2ms;
    auto later = co_await ask(chat(false));
    EXPECT_TRUE(co_await later.hears("message_da"));
    EXPECT_TRUE(later.got.starts_with("HTTP/1.1 429")) << later.got;
    EXPECT_TRUE(counted(1)) << metrics_.text();
    EXPECT_TRUE(metrics_.text().contains("faelled_wake_ratio_bucket{model=\"m\",le=\"1.1\"} 0")) << metrics_.text();
  });
}

TEST_F(CutShort, WhoeverIsStoppedWhileWaitingGetsNoPlace) {
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(false));
    co_await mesh_.came;
    const std::string key = directory_.keys().front().id;
    bool revoked = false;
    directory_.revoke_key(key, members::Act(clock_.wall()), [&](auto row) { revoked = row.has_value(); });
    co_await net::turns_until(loop_, [&] { return revoked; });
    mesh_.open(1);
    EXPECT_TRUE(co_await peer.hears("message_da"));
    EXPECT_TRUE(peer.got.starts_with("HTTP/1.1 401")) << peer.got;
    const auto row = co_await one_row();
    EXPECT_EQ(row.outcome, ledger::Outcome::refused);
    EXPECT_EQ(row.input_tokens, 0U);
    EXPECT_EQ(mesh_.running(), 0U);
  });
}

TEST_F(CutShort, AnAnswerEndsWhoseKeyIsRevoked) {
  mesh_.places = 1;
  context_->settings.standing_every = 5ms;
  run([&]() -> Task<void> {
    auto waiting = co_await ask(chat(true));
    auto engine = co_await engine_->request();
    co_await engine.say(stream_head() + role() + word("hej"));
    EXPECT_TRUE(co_await waiting.hears("hej"));
    auto behind = co_await ask(chat(false));
    co_await net::turns_until(loop_, [&] { return mesh_.waiting() == 1; });
    directory_.revoke_key(directory_.keys().front().id, members::Act(clock_.wall()), [](auto) {});
    EXPECT_TRUE(co_await waiting.hears("invalid_api_key"));
    EXPECT_FALSE(waiting.got.contains("[DONE]"));
    EXPECT_FALSE(co_await engine.more()) << "the engine writes no more";
    EXPECT_TRUE(co_await behind.hears("message_da"));
    EXPECT_TRUE(behind.got.starts_with("HTTP/1.1 401")) << behind.got;
    co_await net::turns_until(loop_, [&] { return rows().size() == 2; });
    const auto all = rows();
    const auto cut = std::ranges::find(all, ledger::Outcome::cancelled, &ledger::UsageRow::outcome);
    if (cut == all.end()) co_return ADD_FAILURE() << "no answer was cut short";
    EXPECT_EQ(cut->output_tokens, 1U) << "what was written is charged";
    EXPECT_EQ(std::ranges::count(all, ledger::Outcome::refused, &ledger::UsageRow::outcome), 1);
    EXPECT_EQ(mesh_.running() + mesh_.waiting(), 0U);
  });
}

// What a place takes is told by those who got one, or waited for it to the end.
TEST_F(CutShort, WhoIsRefusedAtOnceIsNoWait) {
  context_->settings.wait_max = 1ms;
  run([&]() -> Task<void> {
    mesh_.refusal = rpc::RefusalCause::queue_full;
    for (int i = 0; i < 3; ++i) {
      auto peer = co_await ask(chat(false));
      EXPECT_TRUE(co_await peer.hears("message_da"));
    }
    EXPECT_TRUE(metrics_.text().contains("faelled_queue_seconds_count{model=\"m\"} 0")) << metrics_.text();
    mesh_.refusal.reset();
    auto peer = co_await ask(chat(false));
    EXPECT_TRUE(co_await peer.hears("message_da"));
    EXPECT_TRUE(metrics_.text().contains("faelled_queue_seconds_count{model=\"m\"} 1")) << metrics_.text();
  });
}

TEST_F(CutShort, WhoWaitedTooLongBehindAKeepAliveIsToldInTheStream) {
  context_->settings.wait_max = 40ms;
  context_->settings.keep_alive_every = 5ms;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true));
    EXPECT_TRUE(co_await peer.hears("0\r\n\r\n"));
    EXPECT_TRUE(peer.got.starts_with("HTTP/1.1 200"));
    EXPECT_TRUE(peer.got.contains("rate_limit_exceeded"));
    EXPECT_FALSE(peer.got.contains("[DONE]"));
    EXPECT_EQ((co_await one_row()).outcome, ledger::Outcome::refused);
  });
}

TEST_F(CutShort, AnAnswerThatTakesTooLongIsCutOff) {
  mesh_.places = 1;
  context_->settings.total_max = 1s;
  start();
  for (const bool stream : {true, false}) {
    const auto body = [&]() -> Task<void> {
      auto peer = co_await ask(chat(stream));
      auto engine = co_await engine_->request();
      if (stream) co_await engine.say(stream_head() + role() + word("hej"));
      EXPECT_TRUE(co_await peer.hears("engine_timeout"));
      EXPECT_TRUE(peer.got.starts_with(stream ? "HTTP/1.1 200" : "HTTP/1.1 504"));
      EXPECT_FALSE(peer.got.contains("[DONE]"));
      EXPECT_FALSE(co_await engine.more());
      EXPECT_EQ(rows().back().outcome, ledger::Outcome::failed);
      EXPECT_EQ(rows().back().cause, "took too long");
    };
    net::run(loop_, body());
  }
  EXPECT_EQ(rows().size(), 2U);
}

TEST_F(CutShort, AnEngineThatFallsSilentIsLeft) {
  mesh_.places = 1;
  context_->settings.silence_max = 1s;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true));
    auto engine = co_await engine_->request();
    co_await engine.say(stream_head() + role() + word("hej"));
    EXPECT_TRUE(co_await peer.hears("engine_timeout"));
    EXPECT_FALSE(co_await engine.more());
    EXPECT_TRUE(mesh_.ends.back().engine_fault);
    const auto row = co_await one_row();
    EXPECT_EQ(row.cause, "the engine fell silent");
    EXPECT_EQ(row.output_tokens, 1U);
  });
}

TEST_F(CutShort, AReaderThatIsTooSlowIsCutOffAndItsPlaceIsFree) {
  mesh_.places = 1;
  bounds_.unsent_bytes_max = 64 * 1024;
  run([&]() -> Task<void> {
    auto peer = co_await ask(chat(true));
    auto engine = co_await engine_->request();
    co_await engine.say(stream_head() + role());
    const std::string much = word(std::string(8000, 'x'));
    bool more = true;
    for (int i = 0; i < 2000 && more && rows().empty(); ++i) {
      more = (co_await engine.stream().write_all(much)).ok();
      co_await loop_.sleep(0ms);
    }
    const auto row = co_await one_row();
    EXPECT_EQ(row.outcome, ledger::Outcome::cancelled);
    EXPECT_EQ(row.cause, "the client read too slowly");
    EXPECT_EQ(mesh_.running(), 0U);
    EXPECT_FALSE((co_await peer.all()).contains("[DONE]"));
  });
}

}  // namespace
}  // namespace faelled::gateway
