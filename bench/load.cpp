// The client of the benchmarks: one thread, bounded in requests and in time, one line of JSON at the end.
//   bench_load closed  --connections 64 --requests 20000    each connection sends its next request after its answer
//   bench_load open    --rate 500 --seconds 10          a request each 1/rate s, timed from when it should have gone
//   bench_load streams --streams 64 --chunks 300 --pace-us 10000 --rounds 1 --ramp-ms 10
// Everywhere: --port (needed), --key, --model, --body-bytes, --seconds-max. `streams` with 5,000 of them and a long
// ramp holds them all open at once: `open_max` says whether it did.
#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "bench/load_plan.hpp"
#include "bench/posix.hpp"
#include "bench/response_reader.hpp"

namespace faelled::bench {
namespace {

constexpr std::uint64_t errors_max = 1000;
constexpr std::uint64_t us = 1000;
constexpr std::uint64_t second = 1'000'000'000;

struct Errors {
  std::uint64_t connect = 0;
  std::uint64_t closed = 0;   // the peer hung up before the answer was whole
  std::uint64_t status = 0;   // not 200
  std::uint64_t broken = 0;   // not HTTP
  std::uint64_t stream = 0;   // an error event, no [DONE], or a wrong number of chunks
  std::uint64_t timeout = 0;  // not finished at --seconds-max

  std::uint64_t all() const { return connect + closed + status + broken + stream + timeout; }
};

struct Connection {
  enum class State : std::uint8_t { unconnected, connecting, idle, busy };

  int fd = -1;
  State state = State::unconnected;
  std::size_t sent_bytes = 0;
  std::uint64_t due_ns = 0;         // when the request should have gone
  std::uint64_t last_event_ns = 0;  // 0: none yet
  ResponseReader reader;
};

std::string quantiles(std::vector<std::uint32_t>& values) {
  std::ranges::sort(values);
  const auto at = [&](double share) {
    return std::to_string(
        values.empty() ? 0 : values[std::min(values.size() - 1, static_cast<std::size_t>(share * values.size()))]);
  };
  return "{\"p50\":" + at(0.5) + ",\"p90\":" + at(0.9) + ",\"p99\":" + at(0.99) + ",\"max\":" + at(1) + "}";
}

class Load {
 public:
  explicit Load(LoadPlan plan)
      : plan_(std::move(plan)), request_(build_request(plan_)), connections_(plan_.connections) {
    epoll_ = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  }

  // Connections are opened before the clock starts, except those of the streams, whose ramp opens them.
  void run() {
    begin_ns_ = now_ns();
    end_ns_ = begin_ns_ + plan_.seconds_max * second;
    if (!plan_.streams()) {
      for (std::size_t i = 0; i < connections_.size(); ++i) connect(i);
      while (connecting_ > 0 && now_ns() < end_ns_) turn();
    }
    begin_ns_ = now_ns();
    while (finished_ + errors_.all() < plan_.requests && errors_.all() < errors_max && now_ns() < end_ns_) {
      start_what_is_due();
      turn();
    }
    took_ns_ = now_ns() - begin_ns_;
    if (now_ns() >= end_ns_) errors_.timeout = plan_.requests - std::min(plan_.requests, finished_ + errors_.all());
  }

  std::string report() {
    const double seconds = static_cast<double>(took_ns_) / second;
    return "{\"mode\":\"" + plan_.mode + "\",\"requests\":" + std::to_string(finished_) +
           ",\"seconds\":" + std::to_string(seconds) + ",\"per_second\":" + std::to_string(finished_ / seconds) +
           ",\"errors\":" + std::to_string(errors_.all()) +
           ",\"error_kinds\":{\"connect\":" + std::to_string(errors_.connect) +
           ",\"closed\":" + std::to_string(errors_.closed) + ",\"status\":" + std::to_string(errors_.status) +
           ",\"broken\":" + std::to_string(errors_.broken) + ",\"stream\":" + std::to_string(errors_.stream) +
           ",\"timeout\":" + std::to_string(errors_.timeout) + "},\"last_status\":" + std::to_string(last_bad_status_) +
           ",\"open_max\":" + std::to_string(busy_max_) +
           ",\"chunks\":" + std::to_string(plan_.chunks * (plan_.streams() ? finished_ : 0)) +
           ",\"events\":" + std::to_string(events_) + ",\"reads\":" + std::to_string(reads_) +
           ",\"latency_us\":" + quantiles(latencies_us_) + ",\"first_event_us\":" + quantiles(firsts_us_) +
           ",\"gap_us\":" + quantiles(gaps_us_) + "}";
  }

  bool clean() const { return errors_.all() == 0 && finished_ == plan_.requests; }

 private:
  // The n-th request of the open loop and of the ramp has its own time; elsewhere it is "as soon as a connection is
  // free".
  std::uint64_t due_ns(std::uint64_t number) const {
    if (plan_.open_loop()) return begin_ns_ + number * second / plan_.rate;
    if (plan_.streams() && number < connections_.size())
      return begin_ns_ + number * plan_.ramp_ns / connections_.size();
    return 0;
  }

  void start_what_is_due() {
    const std::uint64_t now = now_ns();
    while (started_ < plan_.requests) {
      const std::uint64_t due = due_ns(started_);
      if (due > now) return;
      if (plan_.streams() && opened_ < connections_.size()) connect(opened_);
      if (idle_.empty()) return;
      const std::size_t index = idle_.front();
      idle_.pop_front();
      start(index, due == 0 ? now : due);
    }
  }

  void turn() {
    std::uint64_t wake_ns = end_ns_;
    if (started_ < plan_.requests && !idle_or_opening_none())
      wake_ns = std::min(wake_ns, std::max(due_ns(started_), 1UL));
    const int ready = wait_ready(epoll_, ready_.data(), ready_.size(), wake_ns);
    for (int i = 0; i < ready; ++i) on_ready(ready_[i].data.u64, ready_[i].events);
  }

  // With every connection busy only an answer can move us on.
  bool idle_or_opening_none() const { return idle_.empty() && !(plan_.streams() && opened_ < connections_.size()); }

  void watch(int operation, std::size_t index, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.u64 = index}};
    must(epoll_ctl(epoll_, operation, connections_[index].fd, &event), "epoll_ctl");
  }

  void connect(std::size_t index) {
    Connection& connection = connections_[index];
    connection.fd = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
    set_no_delay(connection.fd);
    opened_ = std::max(opened_, index + 1);
    const sockaddr_in address = loopback(plan_.port);
    const int result = ::connect(connection.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (result < 0 && errno != EINPROGRESS) die(std::string("connect: ") + std::strerror(errno));
    connection.state = result == 0 ? Connection::State::idle : Connection::State::connecting;
    watch(EPOLL_CTL_ADD, index, result == 0 ? EPOLLIN : EPOLLOUT);
    if (result == 0) {
      idle_.push_back(index);
    } else {
      ++connecting_;
    }
  }

  void start(std::size_t index, std::uint64_t due) {
    Connection& connection = connections_[index];
    ++started_;
    busy_max_ = std::max(busy_max_, ++busy_);
    connection.state = Connection::State::busy;
    connection.due_ns = due;
    connection.sent_bytes = 0;
    connection.last_event_ns = 0;
    connection.reader.reset();
    send_rest(index);
  }

  void send_rest(std::size_t index) {
    Connection& connection = connections_[index];
    const bool waited = connection.sent_bytes > 0;
    const ssize_t sent = send(connection.fd, request_.data() + connection.sent_bytes,
                              request_.size() - connection.sent_bytes, MSG_NOSIGNAL);
    if (sent > 0) connection.sent_bytes += static_cast<std::size_t>(sent);
    const bool whole = connection.sent_bytes == request_.size();
    if (!whole || waited) watch(EPOLL_CTL_MOD, index, whole ? EPOLLIN : EPOLLIN | EPOLLOUT);
  }

  void on_ready(std::size_t index, std::uint32_t events) {
    Connection& connection = connections_[index];
    if (connection.state == Connection::State::connecting) {
      --connecting_;
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) {
        give_up(index, errors_.connect);
        return;
      }
      connection.state = Connection::State::idle;
      idle_.push_back(index);
      watch(EPOLL_CTL_MOD, index, EPOLLIN);
      return;
    }
    if ((events & EPOLLOUT) && connection.state == Connection::State::busy) send_rest(index);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read(index);
  }

  void read(std::size_t index) {
    Connection& connection = connections_[index];
    const ssize_t got = recv(connection.fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0 || connection.state != Connection::State::busy) {
      if (connection.state != Connection::State::busy) std::erase(idle_, index);
      give_up(index, errors_.closed);
      return;
    }
    ++reads_;
    const std::uint32_t before = connection.reader.events();
    const auto state = connection.reader.feed(std::string_view(buffer_.data(), static_cast<std::size_t>(got)));
    if (connection.reader.events() > before) note_events(connection);
    if (state == ResponseReader::State::broken) give_up(index, errors_.broken);
    if (state == ResponseReader::State::complete) finish(index);
  }

  void note_events(Connection& connection) {
    const std::uint64_t now = now_ns();
    if (connection.last_event_ns == 0) {
      firsts_us_.push_back(static_cast<std::uint32_t>((now - connection.due_ns) / us));
    } else {
      gaps_us_.push_back(static_cast<std::uint32_t>((now - connection.last_event_ns) / us));
    }
    connection.last_event_ns = now;
  }

  void finish(std::size_t index) {
    Connection& connection = connections_[index];
    const ResponseReader& reader = connection.reader;
    events_ += reader.events();
    // A stream has a first and a last chunk besides its tokens, and one with usage.
    const bool whole = reader.saw_done() && !reader.saw_error() && reader.events() == plan_.chunks + 3;
    if (reader.status() != 200) {
      last_bad_status_ = reader.status();
      ++errors_.status;
    } else if (plan_.streams() && !whole) {
      ++errors_.stream;
    } else {
      ++finished_;
      latencies_us_.push_back(static_cast<std::uint32_t>((now_ns() - connection.due_ns) / us));
    }
    --busy_;
    connection.state = Connection::State::idle;
    idle_.push_back(index);
  }

  // Counts the error once and opens the connection again, so that one bad answer does not end the load.
  void give_up(std::size_t index, std::uint64_t& kind) {
    Connection& connection = connections_[index];
    if (connection.state == Connection::State::busy) --busy_;
    ++kind;
    close(connection.fd);
    connection.state = Connection::State::unconnected;
    if (errors_.all() < errors_max) connect(index);
  }

  const LoadPlan plan_;
  const std::string request_;
  std::vector<Connection> connections_;
  std::deque<std::size_t> idle_;
  int epoll_ = -1;
  std::size_t opened_ = 0;
  std::size_t connecting_ = 0;
  std::size_t busy_ = 0;
  std::size_t busy_max_ = 0;
  std::uint64_t begin_ns_ = 0;
  std::uint64_t end_ns_ = 0;
  std::uint64_t took_ns_ = 0;
  std::uint64_t started_ = 0;
  std::uint64_t finished_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t reads_ = 0;
  int last_bad_status_ = 0;
  Errors errors_;
  std::vector<std::uint32_t> latencies_us_;
  std::vector<std::uint32_t> firsts_us_;
  std::vector<std::uint32_t> gaps_us_;
  std::array<epoll_event, 512> ready_{};
  std::array<char, 64 * 1024> buffer_{};
};

}  // namespace
}  // namespace faelled::bench

int main(int count, char** words) {
  using namespace faelled::bench;
  sharpen_timers();
  Load load(read_plan(count, words));
  load.run();
  std::puts(load.report().c_str());
  return load.clean() ? 0 : 1;
}
