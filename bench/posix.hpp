// What the mock and the load tool share of the operating system: a clock, sockets on the loopback address, `--name
// value` flags. Both are one thread around one epoll, small enough that they cost less than what they measure.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <string>
#include <string_view>

namespace faelled::bench {

[[noreturn]] inline void die(std::string_view what) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(2);
}

inline int must(int result, const char* what) {
  if (result < 0) die(std::string(what) + ": " + std::strerror(errno));
  return result;
}

inline std::uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

// Waits until something is ready or `until_ns` has come, whichever is first.
inline int wait_ready(int epoll, epoll_event* events, int events_max, std::uint64_t until_ns) {
  const std::uint64_t now = now_ns();
  const std::uint64_t left = until_ns > now ? until_ns - now : 0;
  const timespec timeout{.tv_sec = static_cast<time_t>(left / 1'000'000'000U),
                         .tv_nsec = static_cast<long>(left % 1'000'000'000U)};
  const int ready = epoll_pwait2(epoll, events, events_max, &timeout, nullptr);
  if (ready < 0 && errno != EINTR) must(ready, "epoll_pwait2");
  return ready < 0 ? 0 : ready;
}

// The kernel may round a thread's timers up by 50 µs by default, which would be read as latency.
inline void sharpen_timers() { prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); }

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline void set_no_delay(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// `--name value` and nothing else. Taking a flag removes it, so that `finish` can refuse what nobody asked for.
class Flags {
 public:
  Flags(int count, char** words, int first) {
    for (int i = first; i < count; i += 2) {
      const std::string_view name = words[i];
      if (!name.starts_with("--") || i + 1 >= count) die("expected --name value, got " + std::string(name));
      values_[std::string(name.substr(2))] = words[i + 1];
    }
  }

  std::string text(const std::string& name, std::string otherwise) {
    const auto found = values_.find(name);
    if (found == values_.end()) return otherwise;
    std::string value = std::move(found->second);
    values_.erase(found);
    return value;
  }

  std::uint64_t number(const std::string& name, std::uint64_t otherwise) {
    const std::string value = text(name, std::to_string(otherwise));
    std::uint64_t parsed = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
    if (error != std::errc{} || end != value.data() + value.size()) die("--" + name + " takes a number, got " + value);
    return parsed;
  }

  void finish() const {
    if (!values_.empty()) die("unknown flag --" + values_.begin()->first);
  }

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace faelled::bench
