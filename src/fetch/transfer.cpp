#include "fetch/transfer.hpp"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

#include "base/check.hpp"
#include "base/limits.hpp"
#include "base/whole_number.hpp"
#include "fetch/source.hpp"

namespace faelled::fetch {
namespace {

constexpr long redirect_first = 300;
constexpr long redirect_last = 399;
constexpr curl_off_t stall_bytes_per_s = 1000;
constexpr std::size_t other_body_bytes_max = 64 * 1024;  // of an answer that is no file
constexpr std::size_t header_value_bytes_max = 1000;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

bool is_link_local(std::uint32_t four) { return four >> 16U == 0xa9fe; }  // 169.254.0.0/16
bool is_loopback(std::uint32_t four) { return four >> 24U == 127; }

bool has_body_of_a_file(int status) { return status == 200 || status == 206; }

// What went wrong on the way, for people.
Failure on_the_way(CURLcode code, const std::string& url, const char* said) {
  const std::string where = std::string(origin_of(url));
  const std::string why = said[0] != '\0' ? said : curl_easy_strerror(code);
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return {Fault::refused, where + " cannot prove who it is: " + why,
              "where a proxy or mirror has an authority of its own, name its PEM file in downloads.ca_file"};
    case CURLE_OPERATION_TIMEDOUT:
      return {Fault::later, where + " went silent: " + why, "is the network or the proxy right?"};
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
      return {Fault::later, where + " broke off: " + why, {}};
    default:
      return {Fault::later, where + " cannot be reached: " + why, "is the network or the proxy right?"};
  }
}

}  // namespace

bool may_connect(const void* address, bool only_here) {
  sockaddr head{};
  std::memcpy(&head, address, sizeof head);
  if (head.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    const std::uint32_t four = ntohl(in.sin_addr.s_addr);
    return !is_link_local(four) && (!only_here || is_loopback(four));
  }
  if (head.sa_family != AF_INET6) return false;
  sockaddr_in6 in{};
  std::memcpy(&in, address, sizeof in);
  if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr) || IN6_IS_ADDR_V4COMPAT(&in.sin6_addr)) {
    std::uint32_t four = 0;
    std::memcpy(&four, in.sin6_addr.s6_addr + 12, sizeof four);
    four = ntohl(four);
    if (!IN6_IS_ADDR_LOOPBACK(&in.sin6_addr)) return !is_link_local(four) && (!only_here || is_loopback(four));
  }
  return !IN6_IS_ADDR_LINKLOCAL(&in.sin6_addr) && (!only_here || IN6_IS_ADDR_LOOPBACK(&in.sin6_addr));
}

struct Transfer::Handle {
  CURL* curl = curl_easy_init();
  Handle() { FAELLED_CHECK(curl != nullptr, "a handle is a little memory"); }
  ~Handle() { curl_easy_cleanup(curl); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
};

// What a hub says of a file stands in its own answers, not in that of the store behind it.
struct WordOfHub {
  std::string origin;
  bool still = true;  // every address so far was the hub's
  std::string etag = {};
  std::optional<std::uint64_t> size = {};

  Answer with(Answer answer) {
    if (still && !answer.linked_etag.empty()) {
      etag = answer.linked_etag;
      size = answer.linked_size;
    }
    answer.linked_etag = etag;
    answer.linked_size = size;
    return answer;
  }
};

// One request, while it is under way.
struct Transfer::Call {
  const std::atomic<bool>& stop;
  const Begun& begun;
  const Piece& piece;
  bool only_here = false;  // the address is http: it must not be another machine's after all
  Answer answer;
  bool told = false;
  bool enough = false;
  bool refused_address = false;
  std::size_t other_bytes = 0;

  static std::size_t header(const char* data, std::size_t size, std::size_t count, void* self) {
    static_cast<Call*>(self)->take_header({data, size * count});
    return size * count;
  }

  void take_header(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // after an interim answer comes another
      const std::string url = answer.url;
      answer = {};
      answer.url = url;
      const std::size_t at = line.find(' ');
      if (at != std::string_view::npos && line.size() >= at + 4)
        answer.status = static_cast<int>(whole_number<std::uint64_t>(line.substr(at + 1, 3)).value_or(0));
      return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const std::string name = lower(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (value.size() > header_value_bytes_max) return;
    if (name == "content-length") answer.length = whole_number<std::uint64_t>(value);
    if (name == "content-range") answer.content_range = value;
    if (name == "etag") answer.etag = value;
    if (name == "x-linked-etag") answer.linked_etag = value;
    if (name == "x-linked-size") answer.linked_size = whole_number<std::uint64_t>(value);
  }

  static std::size_t body(const char* data, std::size_t size, std::size_t count, void* self) {
    return static_cast<Call*>(self)->take_body({reinterpret_cast<const std::byte*>(data), size * count}) ? size * count
                                                                                                         : 0;
  }

  bool take_body(std::span<const std::byte> bytes) {
    if (!has_body_of_a_file(answer.status) || !piece) {
      other_bytes += bytes.size();
      enough = other_bytes > other_body_bytes_max;
      return !enough;
    }
    if (!std::exchange(told, true) && begun && !begun(answer)) {
      enough = true;
      return false;
    }
    enough = !piece(bytes);
    return !enough;
  }

  static int progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Call*>(self)->stop.load() ? 1 : 0;
  }

  static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address) {
    auto& call = *static_cast<Call*>(self);
    if (!may_connect(&address->addr, call.only_here)) {
      call.refused_address = true;
      return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  }
};

Transfer::Transfer(Manners manners, const std::atomic<bool>& stop) : manners_(std::move(manners)), stop_(stop) {
  // Counts, and is safe beside other threads since 7.84.
  FAELLED_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "libcurl begins where OpenSSL does");
  handle_ = std::make_unique<Handle>();
}

Transfer::~Transfer() {
  handle_.reset();
  curl_global_cleanup();
}

std::expected<Answer, Failure> Transfer::ask(Question question, const Begun& begun, const Piece& piece) {
  const auto asked_at = std::chrono::steady_clock::now();
  const Duration within = question.within;
  WordOfHub word{std::string(origin_of(question.url))};
  const Begun begun_with_word = [&](const Answer& answer) { return !begun || begun(word.with(answer)); };
  for (std::size_t hop = 0;; ++hop) {
    word.still = word.still && origin_of(question.url) == word.origin;
    if (within > Duration{}) {
      question.within = within - (std::chrono::steady_clock::now() - asked_at);
      if (question.within < 1ms)
        return std::unexpected(on_the_way(CURLE_OPERATION_TIMEDOUT, question.url, "it took too long to be asked"));
    }
    auto answer = once(question, begun_with_word, piece);
    if (!answer) return answer;
    *answer = word.with(std::move(*answer));
    const bool elsewhere = answer->status >= redirect_first && answer->status <= redirect_last;
    if (!elsewhere || !question.follow) return answer;
    const std::string next = answer->location;
    if (next.empty()) return answer;
    const auto refuse = [&](const std::string& what) {
      return std::unexpected(Failure{Fault::refused, std::string(origin_of(question.url)) + " " + what,
                                     "is the source right? Ask whoever runs that server"});
    };
    if (hop == limits::fetch_redirects_max) return refuse("sends on and on to other addresses");
    if (question.url.starts_with("https://") && !next.starts_with("https://"))
      return refuse("sends on to an address without encryption");
    if (!may_ask(next)) return refuse("sends on to an address that may not be asked");
    question.url = next;
  }
}

std::expected<Answer, Failure> Transfer::once(const Question& question, const Begun& begun, const Piece& piece) {
  CURL* curl = handle_->curl;
  curl_easy_reset(curl);  // connections stay
  Call call{stop_, begun, piece};
  call.answer.url = question.url;
  const bool here = names_this_machine(question.url);
  call.only_here = question.url.starts_with("http://");
  std::array<char, CURL_ERROR_SIZE> said{};
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(nullptr, &curl_slist_free_all);
  const auto header = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
    FAELLED_CHECK(longer != nullptr, "a header is a little memory");
    (void)headers.release();
    headers.reset(longer);
  };
  header("Accept-Encoding: identity");
  if (question.from > 0 || question.bytes)
    header("Range: bytes=" + std::to_string(question.from) + "-" +
           (question.bytes ? std::to_string(question.from + *question.bytes - 1) : std::string()));
  if (!question.if_range.empty()) header("If-Range: " + question.if_range);
  if (!manners_.token.empty() && origin_of(question.url) == manners_.token_origin)
    header("Authorization: Bearer " + manners_.token);

  const auto millis = [](Duration duration) { return static_cast<long>(to_millis(duration)); };
  curl_easy_setopt(curl, CURLOPT_URL, question.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "faelled");
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, said.data());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_NOBODY, question.head ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, millis(manners_.connect_max));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(stall_bytes_per_s));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, std::max(1L, millis(manners_.stall_max) / 1000));
  if (question.within > Duration{}) curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, millis(question.within));
  if (manners_.rate > 0 && question.within == Duration{})
    curl_easy_setopt(curl, CURLOPT_MAX_RECV_SPEED_LARGE, static_cast<curl_off_t>(manners_.rate));
  if (!manners_.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, manners_.ca_file.c_str());
  if (here) curl_easy_setopt(curl, CURLOPT_PROXY, "");  // a proxy's own machine is another one
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Call::header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &call);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Call::body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &call);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Call::progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &call);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, &Call::open_socket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &call);

  // The handle lives on, and what it was given to write to does not.
  const std::unique_ptr<CURL, void (*)(CURL*)> forget(curl, &curl_easy_reset);
  const CURLcode code = curl_easy_perform(curl);
  if (stop_.load()) return std::unexpected(Failure{Fault::cancelled, "the fetch was stopped", {}});
  if (code != CURLE_OK && call.refused_address)
    return std::unexpected(Failure{Fault::refused,
                                   std::string(origin_of(question.url)) + " is an address that may not be asked",
                                   "link-local addresses never are, and without encryption only this machine"});
  if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && call.enough))
    return std::unexpected(on_the_way(code, question.url, said.data()));
  // An empty body never came to take_body().
  if (has_body_of_a_file(call.answer.status) && piece && !call.told && begun) begun(call.answer);
  curl_off_t again_s = 0;
  if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &again_s) == CURLE_OK)
    call.answer.retry_after = std::chrono::seconds(std::min<curl_off_t>(again_s, 3600));
  if (call.answer.status >= redirect_first && call.answer.status <= redirect_last) {
    char* next = nullptr;
    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &next);
    call.answer.location = next != nullptr ? next : "";
  }
  return std::move(call.answer);
}

std::optional<crypto::Digest> linked_sha256(const Answer& answer) {
  std::string_view etag = answer.linked_etag;
  if (etag.starts_with('"')) etag.remove_prefix(1);
  if (etag.ends_with('"')) etag.remove_suffix(1);
  return crypto::from_hex(etag);
}

Failure failure_of(const Answer& answer) {
  const std::string what = shown(answer.url) + " answers " + std::to_string(answer.status);
  switch (answer.status) {
    case 401:
    case 403:
      return {
          Fault::refused, what + ": it asks who we are",
          "where the model wants consent, give it on its page and name a file with a token in downloads.token_file"};
    case 404:  // who may not see it is told the same, and a mirror that is behind says so for a while
      return {Fault::refused, what + ": there is no such file", "is the source spelt right?"};
    case 410:  // RFC 9110 section 15.5.11
      return {Fault::gone, what + ": the file is gone for good", "name another source"};
    case 408:
    case 425:
    case 429:
      return {Fault::later, what + ": it is busy", {}, answer.retry_after};
    default:
      break;
  }
  if (answer.status >= 500) return {Fault::later, what, {}, answer.retry_after};
  return {Fault::refused, what, "is the source right?"};
}

}  // namespace faelled::fetch
