// A loopback HTTP server for tests, which does what it is told: cuts, lies, redirects, stalls. One thread, one
// connection at a time, closed after each answer.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace faelled::fetch {

struct Asked {
  std::string method;
  std::string path;
  std::string headers;  // as sent, lower case
  // "10" of "bytes=10-"; nothing where no range was asked for.
  std::optional<std::size_t> from() const {
    const std::size_t at = headers.find("\r\nrange: bytes=");
    return at == std::string::npos ? std::nullopt : std::optional<std::size_t>(std::stoul(headers.substr(at + 15)));
  }
  bool says(const std::string& text) const { return headers.find(text) != std::string::npos; }
};

struct Reply {
  std::string head;  // status line and headers, without the empty line
  std::string body;
  bool stalls = false;  // says nothing more, until the client or the test has gone
};

class Server {
 public:
  explicit Server(std::function<Reply(const Asked&)> answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 16) != 0)
      throw std::runtime_error("no port");
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    ended_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  std::string url(const std::string& path = "") const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  std::vector<Asked> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  void serve() {
    while (!ended_) {
      const int client = ::accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      talk(client);
      ::close(client);
    }
  }

  void talk(int client) {
    std::string text;
    for (char block[4096]; text.find("\r\n\r\n") == std::string::npos;) {
      const ssize_t n = ::recv(client, block, sizeof block, 0);
      if (n <= 0) return;
      text.append(block, static_cast<std::size_t>(n));
    }
    Asked asked;
    const std::size_t space = text.find(' ');
    asked.method = text.substr(0, space);
    asked.path = text.substr(space + 1, text.find(' ', space + 1) - space - 1);
    asked.headers = text.substr(text.find("\r\n"));
    for (char& c : asked.headers) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(asked);
    }
    const Reply reply = answer_(asked);
    const std::string all = reply.head + "\r\nConnection: close\r\n\r\n" + (asked.method == "HEAD" ? "" : reply.body);
    for (std::size_t sent = 0; sent < all.size();) {
      const ssize_t n = ::send(client, all.data() + sent, all.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return;
      sent += static_cast<std::size_t>(n);
    }
    if (!reply.stalls) return;
    pollfd gone{client, POLLRDHUP, 0};
    while (!ended_ && ::poll(&gone, 1, 50) == 0) {
    }
  }

  std::function<Reply(const Asked&)> answer_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> ended_ = false;
  mutable std::mutex mutex_;
  std::vector<Asked> asked_;
  std::thread thread_;
};

// As a good server of static files answers.
inline Reply file(const Asked& asked, const std::string& content, const std::string& etag = "\"v1\"") {
  const auto from = asked.from();
  const bool same = !asked.says("\r\nif-range: ") || asked.says("\r\nif-range: " + etag);
  if (!from || !same)
    return {"HTTP/1.1 200 OK\r\nETag: " + etag + "\r\nContent-Length: " + std::to_string(content.size()), content};
  if (*from >= content.size())
    return {"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */" + std::to_string(content.size()) +
                "\r\nContent-Length: 0",
            ""};
  const std::size_t dash = asked.headers.find('-', asked.headers.find("\r\nrange: bytes="));
  std::size_t last = content.size() - 1;
  if (dash != std::string::npos && std::isdigit(static_cast<unsigned char>(asked.headers[dash + 1])) != 0)
    last = std::min(last, static_cast<std::size_t>(std::stoul(asked.headers.substr(dash + 1))));
  const std::string part = content.substr(*from, last - *from + 1);
  return {"HTTP/1.1 206 Partial Content\r\nETag: " + etag + "\r\nContent-Range: bytes " + std::to_string(*from) + "-" +
              std::to_string(last) + "/" + std::to_string(content.size()) +
              "\r\nContent-Length: " + std::to_string(part.size()),
          part};
}

}  // namespace faelled::fetch
