// The upstream of the benchmarks: an OpenAI-compatible server that answers at once and always the same, so that what is
// measured is the gateway before it. A stream has `max_tokens` chunks, one every `pace_us=N` (a word in the prompt, so
// that it passes through any gateway), otherwise every --interval-us; 0 is as fast as it goes.
//   bench_mock [--port 0] [--interval-us 10000] [--seconds-max 3600]
#include <array>
#include <memory>
#include <queue>
#include <vector>

#include "bench/posix.hpp"

namespace faelled::bench {
namespace {

constexpr std::size_t request_bytes_max = 1 << 20;
constexpr std::size_t backlog_bytes_max = 1 << 20;
constexpr std::uint64_t chunks_max = 100'000;

std::string with_length(std::string_view status, std::string_view body) {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

std::string as_chunk(std::string_view payload) {
  std::array<char, 16> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), payload.size(), 16).ptr;
  return std::string(size.data(), end) + "\r\n" + std::string(payload) + "\r\n";
}

std::string event(std::string_view choices, std::string_view more = "") {
  return "data: "
         "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"mock\","
         "\"choices\":[" +
         std::string(choices) + "]" + std::string(more) + "}\n\n";
}

constexpr std::string_view usage = R"("usage":{"prompt_tokens":480,"completion_tokens":32,"total_tokens":512})";

struct Answers {
  std::string models = with_length(
      "200 OK", R"({"object":"list","data":[{"id":"mock","object":"model","created":1700000000,"owned_by":"bench"}]})");
  std::string healthy = with_length("200 OK", "{}");
  std::string unknown = with_length(
      "404 Not Found", R"({"error":{"message":"no such path","type":"not_found","param":null,"code":null}})");
  std::string refused = with_length(
      "411 Length Required", R"({"error":{"message":"length wanted","type":"invalid","param":null,"code":null}})");
  std::string chat = with_length(
      "200 OK", R"({"id":"chatcmpl-mock","object":"chat.completion","created":1700000000,"model":"mock","choices":[)"
                R"({"index":0,"message":{"role":"assistant","content":"The town hall is open on weekdays from ten to )"
                R"(two, and on Thursdays until five. Bring identification; the rest can be done at the counter."},)"
                R"("finish_reason":"stop"}],)" +
                    std::string(usage) + "}");
  std::string stream_head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  std::string first = as_chunk(event(R"({"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null})"));
  std::string token = as_chunk(event(R"({"index":0,"delta":{"content":" word"},"finish_reason":null})"));
  std::string stop = as_chunk(event(R"({"index":0,"delta":{},"finish_reason":"stop"})"));
  std::string usage_event = as_chunk(event("", "," + std::string(usage)));
  std::string done = as_chunk("data: [DONE]\n\n") + "0\r\n\r\n";
};

struct Connection {
  explicit Connection(int socket) : fd(socket) {}
  ~Connection() { close(fd); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd;
  std::uint64_t number = 0;  // tells a timer that its connection has gone and the descriptor is another's
  std::string in;
  std::string out;
  bool waits_for_room = false;

  bool streaming = false;
  bool wants_usage = false;
  std::uint64_t chunks_left = 0;
  std::uint64_t interval_ns = 0;
};

struct Due {
  std::uint64_t at_ns;
  int fd;
  std::uint64_t number;
  bool operator>(const Due& other) const { return at_ns > other.at_ns; }
};

// The value after `name` in a JSON body or a prompt. A mock may guess: the tools that call it write what it reads.
std::uint64_t number_after(std::string_view body, std::string_view name, std::uint64_t otherwise) {
  std::size_t at = body.find(name);
  if (at == std::string_view::npos) return otherwise;
  at += name.size();
  while (at < body.size() && (body[at] == ' ' || body[at] == ':')) ++at;
  std::uint64_t value = otherwise;
  std::from_chars(body.data() + at, body.data() + body.size(), value);
  return value;
}

bool is_true(std::string_view body, std::string_view name) {
  std::size_t at = body.find(name);
  if (at == std::string_view::npos) return false;
  at += name.size();
  while (at < body.size() && (body[at] == ' ' || body[at] == ':')) ++at;
  return body.substr(at).starts_with("true");
}

class Mock {
 public:
  Mock(std::uint16_t port, std::uint64_t interval_ns) : interval_ns_(interval_ns) {
    epoll_ = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    listener_ = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address = loopback(port);
    must(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
    must(listen(listener_, 4096), "listen");
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    must(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    return ntohs(address.sin_port);
  }

  void run_until(std::uint64_t end_ns) {
    std::array<epoll_event, 512> events{};
    while (now_ns() < end_ns) {
      const std::uint64_t wake_ns = due_.empty() ? end_ns : std::min(end_ns, due_.top().at_ns);
      const int ready = wait_ready(epoll_, events.data(), events.size(), wake_ns);
      for (int i = 0; i < ready; ++i) {
        const int fd = events[i].data.fd;
        if (fd == listener_) {
          accept_all();
        } else if (Connection* connection = find(fd)) {
          if (events[i].events & EPOLLOUT) flush(*connection);
          if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read(fd);
        }
      }
      send_what_is_due();
    }
  }

 private:
  Connection* find(int fd) {
    return static_cast<std::size_t>(fd) < connections_.size() ? connections_[fd].get() : nullptr;
  }

  void watch(int operation, int fd, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = fd}};
    must(epoll_ctl(epoll_, operation, fd, &event), "epoll_ctl");
  }

  void accept_all() {
    for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      set_no_delay(fd);
      if (connections_.size() <= static_cast<std::size_t>(fd)) connections_.resize(fd + 1);
      connections_[fd] = std::make_unique<Connection>(fd);
      connections_[fd]->number = ++last_number_;
      watch(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
  }

  void read(int fd) {
    Connection& connection = *connections_[fd];
    const ssize_t got = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0 || connection.in.size() > request_bytes_max) {
      connections_[fd].reset();
      return;
    }
    connection.in.append(buffer_.data(), static_cast<std::size_t>(got));
    while (!connection.streaming && answer_one(connection)) {
    }
  }

  // False when `in` holds no whole request.
  bool answer_one(Connection& connection) {
    const std::size_t head_end = connection.in.find("\r\n\r\n");
    if (head_end == std::string::npos) return false;
    const std::string_view head = std::string_view(connection.in).substr(0, head_end);
    std::size_t body_bytes = 0;
    for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
      constexpr std::string_view name = "content-length";
      const std::string_view line = head.substr(at + 2);
      if (line.size() > name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0) {
        body_bytes = number_after(line.substr(name.size()), ":", 0);
        break;
      }
    }
    if (connection.in.size() < head_end + 4 + body_bytes) return false;
    if (head.starts_with("POST /v1/chat/completions ")) {
      if (body_bytes == 0) {
        send(connection, answers_.refused);
      } else {
        answer_chat(connection, std::string_view(connection.in).substr(head_end + 4, body_bytes));
      }
    } else if (head.starts_with("GET /v1/models ")) {
      send(connection, answers_.models);
    } else if (head.starts_with("GET /health ")) {
      send(connection, answers_.healthy);
    } else {
      send(connection, answers_.unknown);
    }
    connection.in.erase(0, head_end + 4 + body_bytes);
    return true;
  }

  void answer_chat(Connection& connection, std::string_view body) {
    if (!is_true(body, "\"stream\"")) {
      send(connection, answers_.chat);
      return;
    }
    connection.streaming = true;
    connection.wants_usage = is_true(body, "\"include_usage\"");
    connection.chunks_left = std::min(number_after(body, "\"max_tokens\"", 16), chunks_max);
    connection.interval_ns = number_after(body, "pace_us=", interval_ns_ / 1000) * 1000;
    send(connection, answers_.stream_head + answers_.first);
    due_.push({now_ns() + connection.interval_ns, connection.fd, connection.number});
  }

  // At most what was due when it began, so that streams without a pace do not keep the sockets waiting.
  void send_what_is_due() {
    const std::uint64_t now = now_ns();
    for (std::size_t turns = due_.size(); turns > 0 && !due_.empty() && due_.top().at_ns <= now; --turns) {
      const Due due = due_.top();
      due_.pop();
      Connection* connection = find(due.fd);
      if (!connection || connection->number != due.number) continue;
      if (connection->chunks_left > 0) {
        if (connection->out.size() < backlog_bytes_max) {
          send(*connection, answers_.token);
          --connection->chunks_left;
        }
        due_.push({std::max(due.at_ns + connection->interval_ns, due.at_ns + 1), due.fd, due.number});
      } else {
        connection->streaming = false;
        send(*connection, answers_.stop + (connection->wants_usage ? answers_.usage_event : "") + answers_.done);
        while (!connection->streaming && answer_one(*connection)) {
        }
      }
    }
  }

  // A peer that has gone is noticed by the read that follows.
  void send(Connection& connection, std::string_view bytes) {
    if (connection.out.empty()) {
      const ssize_t sent = ::send(connection.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      if (bytes.empty() || (sent < 0 && errno != EAGAIN)) return;
    }
    connection.out.append(bytes);
    if (!connection.waits_for_room) watch(EPOLL_CTL_MOD, connection.fd, EPOLLIN | EPOLLOUT);
    connection.waits_for_room = true;
  }

  void flush(Connection& connection) {
    const ssize_t sent = ::send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent > 0) connection.out.erase(0, static_cast<std::size_t>(sent));
    if (sent < 0 && errno != EAGAIN) connection.out.clear();
    if (!connection.out.empty()) return;
    connection.waits_for_room = false;
    watch(EPOLL_CTL_MOD, connection.fd, EPOLLIN);
  }

  const Answers answers_;
  const std::uint64_t interval_ns_;
  int epoll_ = -1;
  int listener_ = -1;
  std::uint64_t last_number_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::array<char, 64 * 1024> buffer_{};
};

}  // namespace
}  // namespace faelled::bench

int main(int count, char** words) {
  using namespace faelled::bench;
  Flags flags(count, words, 1);
  const auto port = static_cast<std::uint16_t>(flags.number("port", 0));
  const std::uint64_t interval_us = flags.number("interval-us", 10'000);
  const std::uint64_t seconds_max = flags.number("seconds-max", 3600);
  flags.finish();
  sharpen_timers();
  Mock mock(port, interval_us * 1000);
  std::printf("{\"port\":%u}\n", mock.port());
  std::fflush(stdout);
  mock.run_until(now_ns() + seconds_max * 1'000'000'000U);
}
