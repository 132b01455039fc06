#include "http/request_parser.hpp"

#include <llhttp.h>

#include <vector>

namespace faelled::http {
namespace {

struct Span {
  std::size_t at = 0;
  std::size_t size = 0;
};

struct HeaderSpan {
  Span name;
  Span value;
};

Method method_of(int number) {
  switch (number) {
    case HTTP_GET:
      return Method::get;
    case HTTP_HEAD:
      return Method::head;
    case HTTP_POST:
      return Method::post;
    case HTTP_PUT:
      return Method::put;
    case HTTP_PATCH:
      return Method::patch;
    case HTTP_DELETE:
      return Method::del;
    case HTTP_OPTIONS:
      return Method::options;
    default:
      return Method::other;
  }
}

}  // namespace

struct RequestParser::Impl {
  explicit Impl(const RequestBounds& b) : bounds(b) {
    llhttp_init(&parser, HTTP_REQUEST, &settings());
    parser.data = this;
  }

  static Impl& of(llhttp_t* p) { return *static_cast<Impl*>(p->data); }

  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t all = [] {
      llhttp_settings_t s;
      llhttp_settings_init(&s);
      s.on_message_begin = [](llhttp_t* p) {
        of(p).state = State::head;
        return 0;
      };
      s.on_url = [](llhttp_t* p, const char* at, std::size_t size) {
        Impl& self = of(p);
        self.extend(self.target, at, size);
        if (self.target.size > self.bounds.target_bytes_max) return self.refuse(414, "the address is too long");
        return 0;
      };
      s.on_header_field = [](llhttp_t* p, const char* at, std::size_t size) {
        Impl& self = of(p);
        if (self.state == State::body) return self.count_header(size);  // a trailer: bounded and dropped
        if (self.value_seen) {
          self.value_seen = false;
          if (self.headers.size() >= self.bounds.headers_max) return self.refuse(431, "there are too many headers");
          self.headers.emplace_back();
        }
        return self.extend_header(self.headers.back().name, at, size);
      };
      s.on_header_value = [](llhttp_t* p, const char* at, std::size_t size) {
        Impl& self = of(p);
        if (self.state == State::body) return self.count_header(size);
        self.value_seen = true;
        return self.extend_header(self.headers.back().value, at, size);
      };
      s.on_header_value_complete = [](llhttp_t* p) {
        of(p).value_seen = true;
        return 0;
      };
      s.on_headers_complete = [](llhttp_t* p) { return of(p).head_done(); };
      s.on_body = [](llhttp_t* p, const char* at, std::size_t size) { return of(p).add_body(at, size); };
      s.on_message_complete = [](llhttp_t* p) {
        of(p).state = State::complete;
        return static_cast<int>(HPE_PAUSED);
      };
      return s;
    }();
    return all;
  }

  int refuse(int code, std::string_view why) {
    state = State::broken;
    status = code;
    message = why;
    return HPE_USER;
  }

  void extend(Span& span, const char* at, std::size_t size) {
    if (span.size == 0) span.at = static_cast<std::size_t>(at - base);
    span.size += size;
  }

  int extend_header(Span& span, const char* at, std::size_t size) {
    if (size == 0) return 0;
    const auto offset = static_cast<std::size_t>(at - base);
    const std::size_t end = span.at + span.size;
    const Span& name = headers.back().name;
    const bool folded =
        span.size > 0 ? end != offset
                      : &span != &name && std::string_view(base, offset).substr(name.at + name.size).contains('\n');
    if (folded) return refuse(400, "a header goes on in the next line (RFC 9112 section 5.2)");
    extend(span, at, size);
    return count_header(size);
  }

  int count_header(std::size_t size) {
    header_bytes += size;
    return header_bytes > bounds.header_bytes_max ? refuse(431, "the headers are too large") : 0;
  }

  int head_done() {
    state = State::body;
    if (parser.http_major != 1 || parser.http_minor > 1)
      return refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    has_length = (parser.flags & F_CONTENT_LENGTH) != 0;
    length = has_length ? static_cast<std::size_t>(parser.content_length) : 0;
    if (length > bounds.body_bytes_max) return refuse(413, "the body is too large");
    request.headers.clear();
    std::size_t hosts = 0;
    for (const HeaderSpan& h : headers) {
      if (h.name.size == 0 && value_seen) return refuse(400, "a header has no name");
      if (same_name(view(h.name), "expect")) {
        if (!same_name(trimmed(h.value), "100-continue")) return refuse(417, "this expectation cannot be met");
        expects_continue = parser.http_minor > 0;
      }
      if (same_name(view(h.name), "host")) ++hosts;
    }
    // Two parties that each take another one of two are how requests are smuggled (RFC 9112 section 3.2).
    if (hosts > 1) return refuse(400, "a request names one host");
    if (hosts == 0 && parser.http_minor == 1) return refuse(400, "a request names its host (RFC 9112 section 3.2)");
    request.keep_alive = llhttp_should_keep_alive(&parser) != 0;
    if (parser.method == HTTP_CONNECT) return refuse(501, "tunnels are not offered here");
    parser.upgrade =
        0;  // a server may ignore an offered upgrade (RFC 9110 section 7.8); Java's client offers h2c always
    return 0;
  }

  int add_body(const char* at, std::size_t size) {
    if (body_bytes() + size > bounds.body_bytes_max) return refuse(413, "the body is too large");
    if (has_length) {
      extend(body, at, size);
    } else {
      chunks.append(at, size);
    }
    return 0;
  }

  std::size_t body_bytes() const { return has_length ? body.size : chunks.size(); }
  std::string_view view(Span span) const { return {base + span.at, span.size}; }

  // Spaces around a value are not part of it (RFC 9110 section 5.5); llhttp leaves those behind it.
  std::string_view trimmed(Span value) const {
    std::string_view text = view(value);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    return text;
  }

  // What the grammar skips (empty lines, spaces, chunk extensions) is no header and no body, and stays in the buffer.
  void bound_the_rest() {
    const std::size_t head_max = bounds.target_bytes_max + bounds.header_bytes_max + 4 * bounds.headers_max + 64;
    if (state == State::start || state == State::head) {
      if (seen > head_max) refuse(431, "the head of the request is too large");
    } else if (state == State::body && !has_length) {
      if (seen - chunks.size() > head_max + bounds.body_bytes_max) refuse(413, "the body is cut into too many pieces");
    }
  }

  void fill_head() {
    request.method = method_of(parser.method);
    request.target = view(target);
    const std::size_t mark = request.target.find('?');
    request.path = request.target.substr(0, mark);
    request.query = mark == std::string_view::npos ? std::string_view() : request.target.substr(mark + 1);
    request.http_1_0 = parser.http_minor == 0;
    request.headers.clear();
    for (const HeaderSpan& h : headers)
      if (h.name.size > 0) request.headers.push_back({view(h.name), trimmed(h.value)});
  }

  void finish() {
    fill_head();
    request.body = has_length ? view(body) : std::string_view(chunks);
  }

  void reset() {
    llhttp_reset(&parser);
    state = State::start;
    // Its views are of bytes that go; the room for headers is used again.
    auto room = std::move(request.headers);
    room.clear();
    request = {};
    request.headers = std::move(room);
    seen = consumed = header_bytes = length = 0;
    target = body = {};
    headers.clear();
    headers.emplace_back();
    value_seen = false;
    chunks.clear();
    if (chunks.capacity() > 64 * 1024) chunks.shrink_to_fit();
    has_length = expects_continue = false;
  }

  RequestBounds bounds;
  llhttp_t parser;
  State state = State::start;
  const char* base = nullptr;
  std::size_t seen = 0;
  std::size_t consumed = 0;
  std::size_t header_bytes = 0;
  std::size_t length = 0;
  Span target;
  Span body;
  std::vector<HeaderSpan> headers{1};
  bool value_seen = false;
  bool has_length = false;
  bool expects_continue = false;
  std::string chunks;
  Request request;
  int status = 0;
  std::string message;
};

RequestParser::RequestParser(const RequestBounds& bounds) : impl_(std::make_unique<Impl>(bounds)) {}
RequestParser::~RequestParser() = default;

RequestParser::State RequestParser::feed(std::string_view buffer) {
  Impl& me = *impl_;
  if (me.state == State::complete || me.state == State::broken) return me.state;
  me.base = buffer.data();
  const std::string_view fresh = buffer.substr(me.seen);
  if (fresh.empty()) return me.state;
  const llhttp_errno_t error = llhttp_execute(&me.parser, fresh.data(), fresh.size());
  me.seen = buffer.size();
  if (error == HPE_PAUSED) {
    me.consumed = static_cast<std::size_t>(llhttp_get_error_pos(&me.parser) - me.base);
    me.finish();
  } else if (error != HPE_OK && me.state != State::broken) {
    me.refuse(400, std::string("the request is not valid HTTP: ") + llhttp_get_error_reason(&me.parser));
  } else {
    me.bound_the_rest();
  }
  return me.state;
}

RequestParser::State RequestParser::state() const { return impl_->state; }
bool RequestParser::take_expects_continue() { return std::exchange(impl_->expects_continue, false); }
std::size_t RequestParser::content_length() const { return impl_->length; }
const Request& RequestParser::request() const { return impl_->request; }
const Request& RequestParser::head() {
  impl_->fill_head();
  impl_->request.body = {};
  return impl_->request;
}
std::size_t RequestParser::consumed() const { return impl_->consumed; }
int RequestParser::status() const { return impl_->status; }
std::string_view RequestParser::message() const { return impl_->message; }
void RequestParser::next() { impl_->reset(); }

}  // namespace faelled::http
