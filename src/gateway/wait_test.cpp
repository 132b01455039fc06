// A wait in line, driven by instants alone.
#include "gateway/wait.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace faelled::gateway {
namespace {

using store::ShowWaiting;

constexpr Instant start{1h};

class Waits : public ::testing::Test {
 protected:
  static Wait wait(ShowWaiting show = ShowWaiting::off) {
    rpc::Ticket ticket;
    ticket.number = 7;
    ticket.lane = rpc::Lane::batch;
    ticket.admitted = start;
    return {ticket, 2min, show, 1s};
  }
  static rpc::Waiting place(std::uint32_t position) { return {7, position, true, {}, {}}; }
  static rpc::Waiting absent(Duration ready_in, Duration promised) { return {7, 1, false, ready_in, promised}; }
};

TEST_F(Waits, LastsAsLongAsItMay) {
  const Wait it = wait();
  EXPECT_FALSE(it.in_line());
  EXPECT_EQ(it.deadline(), start + 2min);
  EXPECT_EQ(it.ticket().deadline, it.deadline()) << "the mesh is told the same";
}

TEST_F(Waits, APromiseOfAnAbsentModelMakesItLonger) {
  Wait it = wait();
  it.enter(start);
  EXPECT_EQ(it.hear(absent(1min, 10min), start).promised, 10min);
  EXPECT_EQ(it.deadline(), start + 10min);
  EXPECT_EQ(it.hear(absent(1min, 1min), start + 5s).promised, 10min) << "what was promised is kept";
  EXPECT_EQ(it.hear({7, 1, true, {}, 20min}, start + 6s).promised, 10min) << "a model that is there promises nothing";
  EXPECT_EQ(it.hear(absent({}, 1000h), start + 7s).promised,
            Duration(std::chrono::seconds(limits::agreement_wait_s_max)));
}

TEST_F(Waits, NothingIsPromisedToWhoIsNotInLine) {
  Wait it = wait();
  EXPECT_EQ(it.hear(absent(1min, 10min), start).promised, 2min);
  EXPECT_EQ(it.place(), nullptr);
  EXPECT_FALSE(it.take_wake());
  it.enter(start);
  ASSERT_NE(it.place(), nullptr);
  EXPECT_EQ(it.place()->promised, 2min);
}

TEST_F(Waits, WhatAnEngineTookInVainIsNoWait) {
  Wait it = wait();
  it.enter(start);
  it.hear(absent({}, 10min), start);
  it.leave(start + 1s);
  it.extend(start + 1min);
  EXPECT_EQ(it.deadline(), start + 10min) << "it is long enough";
  it.extend(start + 9min);
  EXPECT_EQ(it.deadline(), start + 11min);
}

TEST_F(Waits, APlaceTakenBackBeginsItAgain) {
  Wait it = wait();
  it.enter(start);
  it.hear(absent({}, 10min), start);
  it.leave(start + 10s);
  it.begin_again(start + 1min);
  EXPECT_EQ(it.deadline(), start + 3min);
  EXPECT_EQ(it.queued(), 10s);
}

TEST_F(Waits, IsCountedOverAllAttemptsAndItsLoadApart) {
  Wait it = wait();
  it.enter(start);
  it.hear(absent({}, {}), start + 2s);
  it.hear(absent({}, {}), start + 3s);
  it.hear(place(1), start + 7s);
  it.leave(start + 10s);
  EXPECT_EQ(it.queued(), 10s);
  EXPECT_EQ(it.load(), 5s);
  it.enter(start + 20s);
  it.hear(absent({}, {}), start + 21s);
  it.leave(start + 25s);
  EXPECT_EQ(it.queued(), 15s);
  EXPECT_EQ(it.load(), 9s) << "a load ends with the wait";
  const AnswerTimes times = it.times(start + 30s);
  EXPECT_EQ(times.queued, 15s);
  EXPECT_EQ(times.processing, 30s);
  EXPECT_EQ(times.lane, rpc::Lane::batch);
}

TEST_F(Waits, TheFirstEstimateOfAWakeUpIsKeptAndTakenOnce) {
  Wait it = wait();
  it.enter(start);
  it.hear(absent({}, 10min), start + 1s);
  it.hear(absent(40s, 10min), start + 2s);
  it.hear(absent(20s, 10min), start + 3s);
  const auto wake = it.take_wake();
  ASSERT_TRUE(wake);
  EXPECT_EQ(wake->told, 40s);
  EXPECT_EQ(wake->at, start + 2s);
  EXPECT_FALSE(it.take_wake());
}

TEST_F(Waits, APlaceIsNewsAfterAMomentAndOnce) {
  Wait it = wait(ShowWaiting::en);
  it.enter(start);
  EXPECT_EQ(it.news_at(), Instant::max()) << "nothing was heard yet";
  it.hear(place(3), start + 300ms);
  EXPECT_EQ(it.news_at(), start + 1s);
  EXPECT_EQ(it.words(), "Waiting in line: number 3.\n");
  it.tell(start + 1s);
  EXPECT_EQ(it.news_at(), Instant::max());
  it.hear(place(3), start + 2s);
  EXPECT_EQ(it.news_at(), Instant::max()) << "the same place";
}

TEST_F(Waits, ALineThatMovesFastDoesNotFlicker) {
  Wait it = wait(ShowWaiting::en);
  it.enter(start);
  it.hear(place(3), start);
  it.tell(start + 1s);
  it.hear(place(2), start + 1100ms);
  EXPECT_EQ(it.news_at(), start + 2s);
  it.hear(place(3), start + 1200ms);
  EXPECT_EQ(it.news_at(), Instant::max()) << "as it was told";
}

TEST_F(Waits, NewsAreForThoseInLineWhoWantThem) {
  Wait quiet = wait();
  quiet.enter(start);
  quiet.hear(place(3), start);
  EXPECT_EQ(quiet.news_at(), Instant::max());
  Wait it = wait(ShowWaiting::da);
  it.enter(start);
  it.hear(place(3), start);
  it.leave(start + 500ms);
  EXPECT_EQ(it.news_at(), Instant::max());
}

TEST_F(Waits, AGrantIsGoodForOneAttempt) {
  Wait it = wait();
  it.enter(start);
  EXPECT_FALSE(it.answered());
  rpc::Grant grant;
  grant.engine = "e1";
  it.granted(grant);
  EXPECT_TRUE(it.answered());
  EXPECT_EQ(it.refusal(), nullptr);
  EXPECT_EQ(it.take_grant(), grant);
  EXPECT_FALSE(it.answered());
}

TEST_F(Waits, ARefusalStands) {
  Wait it = wait();
  it.granted({});
  it.refused({7, rpc::RefusalCause::shutting_down, {}, {}});
  ASSERT_NE(it.refusal(), nullptr);
  EXPECT_EQ(it.refusal()->cause, rpc::RefusalCause::shutting_down);
  EXPECT_TRUE(it.answered());
}

}  // namespace
}  // namespace faelled::gateway
