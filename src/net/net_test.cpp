#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "net/event.hpp"
#include "net/testing.hpp"
#include "net/watch.hpp"

namespace faelled::net {
namespace {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "faelled-net-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

void burn(Duration time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

TEST(Event, RemembersASetBeforeTheWaitOnce) {
  Loop loop;
  run(loop, [](Loop& l) -> Task<void> {
    Event event;
    event.set();
    event.set();
    co_await event;
    bool second = false;
    Timer later(l, [&] {
      second = true;
      event.set();
    });
    later.arm(1ms);
    co_await event;
    EXPECT_TRUE(second);
  }(loop));
}

TEST(Timer, FiresOnceAtTheLastDeadlineItWasGiven) {
  Loop loop;
  run(loop, [](Loop& l) -> Task<void> {
    int fired = 0;
    Event due;
    Timer timer(l, [&] {
      ++fired;
      due.set();
    });
    const Instant begun = l.now();
    timer.arm(2ms);
    timer.arm(30ms);  // later: only a number is written
    co_await due;
    EXPECT_GE(l.now() - begun, Duration(30ms));
    timer.arm(10s);
    timer.arm(1ms);  // earlier: the system timer moves
    co_await due;
    EXPECT_EQ(fired, 2);
    EXPECT_FALSE(timer.armed());
    timer.arm(1ms);
    timer.cancel();
    co_await l.sleep(5ms);
    EXPECT_EQ(fired, 2);
  }(loop));
}

TEST(Timer, MayDestroyItselfOrArmItselfInItsCallback) {
  Loop loop;
  run(loop, [](Loop& l) -> Task<void> {
    Event done;
    auto once = std::make_unique<Timer>(l, [] {});
    once = std::make_unique<Timer>(l, [&] {
      once.reset();
      done.set();
    });
    once->arm(1ms);
    co_await done;
    EXPECT_EQ(once, nullptr);
    int left = 3;
    Timer again(l, [&] {
      if (--left == 0) return done.set();
      again.arm(1ms);
    });
    again.arm(1ms);
    co_await done;
    EXPECT_EQ(left, 0);
  }(loop));
}

TEST(Loop, RunsWhatOtherThreadsPostAndReturnsWhenNothingIsLeft) {
  Loop loop;
  int ran = 0;
  {
    Loop::Hold hold(loop);
    std::thread other([&] {
      for (int i = 0; i < 1000; ++i) loop.post([&] { ++ran; });
      loop.post([&] { loop.stop(); });
    });
    loop.run();
    other.join();
  }
  EXPECT_EQ(ran, 1000);
  loop.run();
}

TEST(Stream, CloseWakesWhoReadsAndWhoWrites) {
  Loop loop;
  auto listener = Listener::tcp(loop, "127.0.0.1", 0).value();
  std::optional<Stream> accepted;
  Event came;
  listener.start([&](Stream s) {
    accepted.emplace(std::move(s));
    came.set();
  });
  const auto body = [&]() -> Task<void> {
    auto peer = co_await Peer::tcp(loop, listener.port());
    co_await came;
    char none = 0;
    const IoResult nothing = accepted->try_read({&none, 1});
    EXPECT_TRUE(nothing.ok() && nothing.bytes == 0) << "open, and nothing has come";
    EXPECT_TRUE(accepted->peer().starts_with("127.0.0.1:"));
    loop.post([&] { accepted->close(); });
    const IoResult read = co_await accepted->readable();
    EXPECT_EQ(read.status, IoStatus::closed);
    const IoResult write = co_await accepted->write_all("x");
    EXPECT_EQ(write.status, IoStatus::closed);
    EXPECT_FALSE(co_await peer.more());
  };
  run(loop, body());
}

TEST(Stream, WritesWhatAReaderTakesPieceByPiece) {
  Loop loop;
  Folder folder;
  auto listener = Listener::unix_socket(loop, folder / "s").value();
  std::optional<Peer> there;
  Event came;
  listener.start([&](Stream s) {
    there.emplace(std::move(s));
    came.set();
  });
  const auto body = [&]() -> Task<void> {
    auto here = (co_await connect_unix(loop, folder / "s", 1s)).value();
    co_await came;
    EXPECT_EQ(there->stream().peer(), "unix");
    std::string big;
    for (int i = 0; big.size() < 3 * 1024 * 1024; ++i) big += std::to_string(i);
    loop.spawn([](Stream& out, const std::string& data) -> Task<void> {
      const IoResult sent = co_await out.write_all(data);
      EXPECT_TRUE(sent.ok());
      out.shutdown_write();
    }(here, big));
    const std::string got = co_await there->all();
    EXPECT_TRUE(got == big);
  };
  run(loop, body());
}

TEST(Listener, RefusesAnAddressInUseAndOneThatIsNone) {
  Loop loop;
  auto first = Listener::tcp(loop, "127.0.0.1", 0).value();
  auto second = Listener::tcp(loop, "127.0.0.1", first.port());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::io);
  EXPECT_FALSE(second.error().hint.empty());
  EXPECT_EQ(Listener::tcp(loop, "not-an-address", 0).error().code, Errc::invalid);
}

TEST(Listener, AUnixSocketIsTheOwnersAloneAndGoesWithItsListener) {
  Loop loop;
  Folder folder;
  const std::string path = folder / "control.sock";
  {
    auto listener = Listener::unix_socket(loop, path).value();
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    EXPECT_EQ(Listener::unix_socket(loop, path).error().code, Errc::exists);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(Listener::unix_socket(loop, std::string(200, 'x')).error().code, Errc::invalid);
}

TEST(Listener, MayBeDestroyedWhileAConnectionComesIn) {
  Loop loop;
  const auto body = [&]() -> Task<void> {
    std::optional<Listener> listener(Listener::tcp(loop, "127.0.0.1", 0).value());
    const std::uint16_t port = listener->port();
    int accepted = 0;
    listener->start([&](Stream) {
      ++accepted;
      listener.reset();
    });
    auto peer = co_await Peer::tcp(loop, port);
    EXPECT_FALSE(co_await peer.more());
    EXPECT_EQ(accepted, 1);
    auto late = co_await connect_tcp(loop, "127.0.0.1", port, 1s);
    EXPECT_EQ(late.error().code, Errc::unavailable);
  };
  run(loop, body());
}

TEST(Connect, SaysThatNobodyListens) {
  Loop loop;
  Folder folder;
  const auto body = [&]() -> Task<void> {
    auto none = co_await connect_unix(loop, folder / "nobody", 1s);
    EXPECT_EQ(none.error().code, Errc::unavailable);
    auto long_path = co_await connect_unix(loop, std::string(200, 'x'), 1s);
    EXPECT_EQ(long_path.error().code, Errc::invalid);
    auto name = co_await connect_tcp(loop, "no such host.invalid", 1, 10s);
    EXPECT_FALSE(name);
  };
  run(loop, body());
}

TEST(Connect, TriesEveryAddressOfAName) {
  // "localhost" may name ::1 first, where nobody listens.
  Loop loop;
  auto listener = Listener::tcp(loop, "127.0.0.1", 0).value();
  listener.start([](Stream) {});
  const auto body = [&]() -> Task<void> {
    auto there = co_await connect_tcp(loop, "localhost", listener.port(), 5s);
    EXPECT_TRUE(there) << there.error().message;
  };
  run(loop, body());
}

// A listener whose backlog is full: on a unix socket connect() says EAGAIN, on TCP nothing comes back.
class Deaf {
 public:
  explicit Deaf(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::listen(fd_, 0), 0);
  }
  ~Deaf() { ::close(fd_); }
  void accept_one() const { ::close(::accept(fd_, nullptr, nullptr)); }

 private:
  int fd_;
};

TEST(Connect, WaitsForRoomInTheLineOfAUnixSocket) {
  Loop loop;
  Folder folder;
  const Deaf engine(folder / "engine");
  const auto body = [&]() -> Task<void> {
    std::vector<Stream> in_line;
    std::optional<Error> refused;
    while (!refused && in_line.size() < 8) {
      auto stream = co_await connect_unix(loop, folder / "engine", 20ms);
      if (stream) {
        EXPECT_NE(stream->peer(), "gone") << "a connection that is none";
        in_line.push_back(std::move(*stream));
      } else {
        refused = stream.error();
      }
    }
    if (!refused) co_return ADD_FAILURE() << "the line was never full";
    EXPECT_EQ(refused->code, Errc::timeout);
    Timer room(loop, [&] { engine.accept_one(); });
    room.arm(5ms);
    auto later = co_await connect_unix(loop, folder / "engine", 5s);
    EXPECT_TRUE(later);
  };
  run(loop, body());
}

TEST(Connect, CanBeGivenUp) {
  Loop loop;
  Folder folder;
  const Deaf engine(folder / "engine");
  const auto body = [&]() -> Task<void> {
    std::vector<Stream> in_line;
    for (int i = 0; i < 8; ++i) {
      auto stream = co_await connect_unix(loop, folder / "engine", 5ms);
      if (!stream) break;
      in_line.push_back(std::move(*stream));
    }
    GiveUp give_up;
    const Instant begun = loop.now();
    loop.post([&] { give_up.now(); });
    auto none = co_await connect_unix(loop, folder / "engine", 10s, &give_up);
    EXPECT_EQ(none.error().code, Errc::cancelled);
    EXPECT_LT(loop.now() - begun, Duration(5s));
    give_up.now();  // nobody connects any more
    auto early = co_await connect_unix(loop, folder / "engine", 10s, &give_up);
    EXPECT_EQ(early.error().code, Errc::cancelled);
  };
  run(loop, body());
}

TEST(Readable, SaysNothingOnceItIsGone) {
  Loop loop;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  bool told = false;
  std::optional<Readable> watch;
  watch.emplace(loop, ends[0], [&] { told = true; });
  // In one turn: the loop finds the pipe readable, then the watch goes, then it would be told.
  loop.post([&] {
    loop.post([&] { watch.reset(); });
    EXPECT_EQ(::write(ends[1], "x", 1), 1);
  });
  loop.run();
  EXPECT_FALSE(told);
  ::close(ends[1]);
}

TEST(Signals, TellEachTimeAndNotOnceTheyAreGone) {
  Loop loop;
  int told = 0;
  std::optional<Signals> signals;
  signals.emplace(loop, std::initializer_list<int>{SIGUSR1}, [&](int number) {
    EXPECT_EQ(number, SIGUSR1);
    if (++told < 2) {
      ::raise(SIGUSR1);
    } else {
      signals.reset();
    }
  });
  ::raise(SIGUSR1);
  Timer watchdog(loop, [] { ADD_FAILURE() << "the loop does not end"; });
  loop.run();
  EXPECT_EQ(told, 2);
}

TEST(Timer, IsForgottenEvenWhenItsDeadlineHadPassed) {
  Loop loop;
  bool fired = false;
  std::optional<Timer> timer;
  timer.emplace(loop, [&] { fired = true; });
  timer->arm(1ms);
  loop.post([&] {
    loop.post([&] { timer.reset(); });
    burn(3ms);
  });
  loop.run();
  EXPECT_FALSE(fired);
}

}  // namespace
}  // namespace faelled::net
