#include "http/response_parser.hpp"

#include <llhttp.h>

#include <utility>
#include <vector>

#include "http/message.hpp"

namespace faelled::http {

struct ResponseParser::Impl {
  explicit Impl(std::size_t max) : head_bytes_max(max) {
    llhttp_init(&parser, HTTP_RESPONSE, &settings());
    parser.data = this;
  }

  static Impl& of(llhttp_t* p) { return *static_cast<Impl*>(p->data); }

  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t all = [] {
      llhttp_settings_t s;
      llhttp_settings_init(&s);
      s.on_header_field = [](llhttp_t* p, const char* at, std::size_t size) {
        Impl& self = of(p);
        if (self.in_value) {
          self.headers.emplace_back();
          self.in_value = false;
        }
        return self.take(self.headers.back().first, at, size);
      };
      s.on_header_value = [](llhttp_t* p, const char* at, std::size_t size) {
        Impl& self = of(p);
        self.in_value = true;
        return self.take(self.headers.back().second, at, size);
      };
      s.on_header_value_complete = [](llhttp_t* p) {
        of(p).in_value = true;
        return 0;
      };
      s.on_headers_complete = [](llhttp_t* p) {
        Impl& self = of(p);
        self.status = p->status_code;
        self.head_complete = self.status >= 200;
        if (!self.head_complete) self.headers.assign(1, {});  // 1xx: the answer is still to come
        p->upgrade = 0;
        return self.status == 204 || self.status == 304 ? 1 : 0;  // 1: no body, whatever the headers say
      };
      s.on_body = [](llhttp_t* p, const char* at, std::size_t size) {
        of(p).body->append(at, size);
        return 0;
      };
      s.on_message_complete = [](llhttp_t* p) {
        Impl& self = of(p);
        if (!self.head_complete) return 0;
        self.keep_alive = llhttp_should_keep_alive(p) != 0;
        self.complete = true;
        return static_cast<int>(HPE_PAUSED);
      };
      return s;
    }();
    return all;
  }

  int take(std::string& into, const char* at, std::size_t size) {
    head_bytes += size;
    if (head_bytes > head_bytes_max) return HPE_USER;
    into.append(at, size);
    return 0;
  }

  llhttp_t parser;
  std::size_t head_bytes_max;
  std::size_t head_bytes = 0;
  std::vector<std::pair<std::string, std::string>> headers{1};
  bool in_value = false;
  bool head_complete = false;
  bool complete = false;
  bool keep_alive = false;
  int status = 0;
  std::string* body = nullptr;
};

ResponseParser::ResponseParser(std::size_t head_bytes_max) : impl_(std::make_unique<Impl>(head_bytes_max)) {}
ResponseParser::~ResponseParser() = default;

bool ResponseParser::feed(std::string_view bytes, std::string& body) {
  Impl& me = *impl_;
  if (me.complete) return bytes.empty();
  me.body = &body;
  const llhttp_errno_t error = llhttp_execute(&me.parser, bytes.data(), bytes.size());
  if (error == HPE_OK) return true;
  if (error != HPE_PAUSED) return false;
  // Bytes after the end of an answer nobody asked for: the connection is out of step.
  if (llhttp_get_error_pos(&me.parser) != bytes.data() + bytes.size()) me.keep_alive = false;
  return true;
}

bool ResponseParser::finish() {
  if (impl_->complete) return true;
  std::string none;
  impl_->body = &none;
  const llhttp_errno_t error = llhttp_finish(&impl_->parser);
  return (error == HPE_OK || error == HPE_PAUSED) && impl_->complete;
}

bool ResponseParser::head_complete() const { return impl_->head_complete; }
bool ResponseParser::complete() const { return impl_->complete; }
int ResponseParser::status() const { return impl_->status; }
bool ResponseParser::keep_alive() const { return impl_->keep_alive; }

std::string_view ResponseParser::header(std::string_view name) const {
  for (const auto& [key, value] : impl_->headers)
    if (same_name(key, name)) return value;
  return {};
}

void ResponseParser::next() {
  Impl& me = *impl_;
  llhttp_reset(&me.parser);
  me.head_bytes = 0;
  me.headers.assign(1, {});
  me.in_value = me.head_complete = me.complete = me.keep_alive = false;
  me.status = 0;
}

}  // namespace faelled::http
