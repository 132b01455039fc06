#include "commons/event_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <limits>
#include <utility>

#include "base/whole_number.hpp"

namespace faelled::commons {
namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";

constexpr std::array<bool, 256> plain_bytes = [] {
  std::array<bool, 256> plain{};
  for (unsigned c = '0'; c <= '9'; ++c) plain[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) plain[c] = true;
  for (unsigned c = 'A'; c <= 'Z'; ++c) plain[c] = true;
  for (const char c : std::string_view("._:/@+-")) plain[static_cast<unsigned char>(c)] = true;
  return plain;
}();

// In the order of the enumerations.
constexpr std::array<std::string_view, 2> lanes{"interactive", "batch"};
constexpr std::array<std::string_view, 4> endings{"done", "cancelled", "failed", "returned"};
constexpr std::array<std::string_view, 2> whys{"floor", "borrowed"};

// A line is put together in a buffer of its own and appended at once: a request makes four lines, on the event loop.
class Writer {
 public:
  Writer(std::string& out, Naming* naming) : out_(out), naming_(naming) {}
  ~Writer() { flush(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  template <std::integral Number>
  Writer& number(Number value) {
    gap(digits_max);
    used_ = static_cast<std::size_t>(std::to_chars(at(), buffer_.data() + buffer_.size(), value).ptr - buffer_.data());
    return *this;
  }
  Writer& flag(bool value) { return raw(value ? "1" : "0"); }
  Writer& word(std::string_view text) {
    const auto plain = [](char c) { return plain_bytes[static_cast<unsigned char>(c)]; };
    if (!text.empty() && text != "-" && std::ranges::all_of(text, plain)) return raw(text);
    gap(0);
    flush();
    write_word(out_, text);
    return *this;
  }
  Writer& raw(std::string_view text) {
    if (text.size() > buffer_.size() / 2) {
      gap(0);
      flush();
      out_ += text;
      return *this;
    }
    gap(text.size());
    text.copy(at(), text.size());
    used_ += text.size();
    return *this;
  }
  Writer& member(std::string_view id) { return word(naming_ != nullptr ? naming_->member(id) : id); }
  Writer& caller(std::string_view id) { return word(naming_ != nullptr ? naming_->caller(id) : id); }
  Writer& instant(Instant at) { return number(at.time_since_epoch().count()); }

  void operator()(const Agree& e) { raw("agree").member(e.member).number(e.share).number(e.places); }
  void operator()(const Restore& e) {
    raw("restore").member(e.member).number(e.credit).number(e.lent).number(e.borrowed);
  }
  void operator()(const Capacity& e) { raw("capacity").number(e.per_s); }
  void operator()(const Leave& e) { raw("leave").member(e.member); }
  void operator()(const EngineIs& e) {
    raw("engine").word(e.engine).word(e.model).number(e.places).number(e.ticket_places).flag(e.paced);
    number(e.price.prompt).number(e.price.output);
  }
  void operator()(const EngineGone& e) { raw("gone").word(e.engine); }
  void operator()(const Arrive& e) {
    raw("arrive").number(e.ticket).member(e.member).caller(e.caller).word(e.model);
    raw(lanes.at(static_cast<std::size_t>(e.lane))).flag(e.revocable).number(e.prompt_tokens);
    number(e.output_tokens_max).instant(e.deadline);
  }
  void operator()(const Room& e) { raw("room").word(e.engine).number(e.count); }
  void operator()(const Declined& e) { raw("declined").number(e.ticket); }
  void operator()(const Progress& e) {
    raw("progress").number(e.ticket).number(e.prompt_tokens).number(e.output_tokens);
  }
  void operator()(const End& e) {
    raw("end").number(e.ticket).raw(endings.at(static_cast<std::size_t>(e.how)));
    number(e.prompt_tokens).number(e.output_tokens);
  }
  void operator()(const Tick&) { raw("tick"); }

  void operator()(const Grant& a) {
    raw("grant").number(a.ticket).word(a.engine).raw(whys.at(static_cast<std::size_t>(a.why))).number(a.charged);
  }
  void operator()(const Revoke& a) { raw("revoke").number(a.ticket).number(a.on_behalf_of); }
  void operator()(const Expire& a) { raw("expire").number(a.ticket); }
  void operator()(const Refuse& a) { raw("refuse").number(a.ticket); }

 private:
  static constexpr std::size_t digits_max = 24;

  // A space after the word before, and room for so many bytes.
  void gap(std::size_t bytes) {
    if (used_ + 1 + bytes > buffer_.size()) flush();
    if (begun_) buffer_[used_++] = ' ';
    begun_ = true;
  }
  char* at() { return buffer_.data() + used_; }
  void flush() { out_.append(buffer_.data(), std::exchange(used_, 0)); }

  std::string& out_;
  Naming* naming_;
  std::array<char, 256> buffer_;
  std::size_t used_ = 0;
  bool begun_ = false;
};

int value_of(char digit) {
  const auto at = hex_digits.find(digit);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

// Takes words off a line. After the first that is wrong everything is empty, and error() says what it was.
class Reader {
 public:
  explicit Reader(std::string_view line) : rest_(line) {}

  bool more() const { return !failed_ && !rest_.empty(); }
  bool ok() const { return !failed_; }
  const std::string& error() const { return error_; }

  std::string_view raw(std::string_view what) {
    if (failed_) return {};
    ++words_;
    const std::size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (word.empty()) wrong(what, word);
    return word;
  }
  void wrong(std::string_view what, std::string_view word) {
    if (failed_) return;
    failed_ = true;
    error_ = "word " + std::to_string(words_) + " should be " + std::string(what) +
             (word.empty() ? ", and nothing is there" : ", and is " + shown(word));
  }
  template <std::integral Number>
  void number(Number& into, std::string_view what) {
    const std::string_view word = raw(what);
    if (failed_) return;
    const auto read = whole_number<Number>(word);
    if (!read) return wrong(what, word);
    into = *read;
  }
  void flag(bool& into, std::string_view what) {
    const std::string_view word = raw(what);
    if (word != "0" && word != "1") wrong(what, word);
    into = word == "1";
  }
  void word(std::string& into, std::string_view what) {
    const std::string_view word = raw(what);
    if (failed_) return;
    auto read = read_word(word);
    if (!read) return wrong(what, word);
    into = std::move(*read);
  }
  template <class Enum, std::size_t N>
  void one_of(Enum& into, const std::array<std::string_view, N>& names, std::string_view what) {
    const std::string_view word = raw(what);
    for (std::size_t i = 0; i < N; ++i)
      if (names[i] == word) {
        into = static_cast<Enum>(i);
        return;
      }
    wrong(what, word);
  }
  void instant(Instant& into, std::string_view what) {
    std::int64_t ns = 0;
    number(ns, what);
    into = Instant(Duration(ns));
  }
  void end() {
    if (more()) {
      const std::string rest(rest_);
      ++words_;
      wrong("the end of the line", rest);
    }
  }

  static std::string shown(std::string_view word) {
    constexpr std::size_t shown_bytes_max = 40;
    std::string out = "\"";
    for (const char c : word.substr(0, shown_bytes_max)) out += c >= ' ' && c <= '~' ? c : '?';
    return out + (word.size() > shown_bytes_max ? "…\"" : "\"");
  }

 private:
  std::string_view rest_;
  std::size_t words_ = 0;
  bool failed_ = false;
  std::string error_;
};

Event read_event(Reader& in) {
  const std::string_view kind = in.raw("what happened");
  if (kind == "agree") {
    Agree e;
    in.word(e.member, "a member");
    in.number(e.share, "a share");
    in.number(e.places, "a number of places");
    return e;
  }
  if (kind == "restore") {
    Restore e;
    in.word(e.member, "a member");
    in.number(e.credit, "credit");
    in.number(e.lent, "work lent");
    in.number(e.borrowed, "work borrowed");
    return e;
  }
  if (kind == "capacity") {
    Capacity e;
    in.number(e.per_s, "work per second");
    return e;
  }
  if (kind == "leave") {
    Leave e;
    in.word(e.member, "a member");
    return e;
  }
  if (kind == "engine") {
    EngineIs e;
    in.word(e.engine, "an engine");
    in.word(e.model, "a model");
    in.number(e.places, "a number of places");
    in.number(e.ticket_places, "places of a ticket");
    in.flag(e.paced, "0 or 1 for paced");
    in.number(e.price.prompt, "the price of a prompt token");
    in.number(e.price.output, "the price of an output token");
    return e;
  }
  if (kind == "gone") {
    EngineGone e;
    in.word(e.engine, "an engine");
    return e;
  }
  if (kind == "arrive") {
    Arrive e;
    in.number(e.ticket, "a ticket");
    in.word(e.member, "a member");
    in.word(e.caller, "a caller");
    in.word(e.model, "a model");
    in.one_of(e.lane, lanes, "interactive or batch");
    in.flag(e.revocable, "0 or 1 for revocable");
    in.number(e.prompt_tokens, "prompt tokens");
    in.number(e.output_tokens_max, "output tokens at most");
    in.instant(e.deadline, "the deadline of the wait");
    return e;
  }
  if (kind == "room") {
    Room e;
    in.word(e.engine, "an engine");
    in.number(e.count, "a number of tickets");
    return e;
  }
  if (kind == "declined") {
    Declined e;
    in.number(e.ticket, "a ticket");
    return e;
  }
  if (kind == "progress") {
    Progress e;
    in.number(e.ticket, "a ticket");
    in.number(e.prompt_tokens, "prompt tokens");
    in.number(e.output_tokens, "output tokens");
    return e;
  }
  if (kind == "end") {
    End e;
    in.number(e.ticket, "a ticket");
    in.one_of(e.how, endings, "done, cancelled, failed or returned");
    in.number(e.prompt_tokens, "prompt tokens");
    in.number(e.output_tokens, "output tokens");
    return e;
  }
  if (kind != "tick") in.wrong("what happened", kind);
  return Tick{};
}

Action read_action(Reader& in) {
  const std::string_view kind = in.raw("what was decided");
  if (kind == "grant") {
    Grant a;
    in.number(a.ticket, "a ticket");
    in.word(a.engine, "an engine");
    in.one_of(a.why, whys, "floor or borrowed");
    in.number(a.charged, "work charged");
    return a;
  }
  if (kind == "revoke") {
    Revoke a;
    in.number(a.ticket, "a ticket");
    in.number(a.on_behalf_of, "the ticket it is for");
    return a;
  }
  if (kind == "refuse") {
    Refuse a;
    in.number(a.ticket, "a ticket");
    return a;
  }
  Expire a;
  if (kind != "expire") in.wrong("grant, revoke, expire or refuse", kind);
  in.number(a.ticket, "a ticket");
  return a;
}

}  // namespace

void write_word(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += '-';
    return;
  }
  if (text == "-") {
    out += "%2D";
    return;
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t begin = at;
    while (at < text.size() && plain_bytes[static_cast<unsigned char>(text[at])]) ++at;
    out.append(text, begin, at - begin);
    if (at == text.size()) return;
    const auto byte = static_cast<unsigned char>(text[at]);
    out += '%';
    out += hex_digits[byte >> 4U];
    out += hex_digits[byte & 15U];
  }
}

Expected<std::string> read_word(std::string_view word) {
  if (word == "-") return std::string();
  std::string out;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (plain_bytes[static_cast<unsigned char>(word[i])]) {
      out += word[i];
      continue;
    }
    const int high = word[i] == '%' && i + 2 < word.size() ? value_of(word[i + 1]) : -1;
    const int low = high >= 0 ? value_of(word[i + 2]) : -1;
    if (low < 0) return fail(Errc::invalid, Reader::shown(word) + " is no word: a byte should be written as %41");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (out.empty()) return fail(Errc::invalid, "a word is missing");
  return out;
}

void write_decision(std::string& out, Instant at, const Event& event, std::span<const Action> actions, Naming* naming) {
  Writer writer(out, naming);
  writer.instant(at);
  std::visit([&](const auto& e) { writer(e); }, event);
  for (const Action& action : actions) {
    writer.raw(">");
    std::visit([&](const auto& a) { writer(a); }, action);
  }
}

Expected<Decision> read_decision(std::string_view line) {
  Reader in(line);
  Decision out;
  in.instant(out.at, "a time in nanoseconds");
  out.event = read_event(in);
  while (in.more()) {
    if (const std::string_view sign = in.raw("> before what was decided"); sign != ">")
      in.wrong("> before what was decided", sign);
    out.actions.push_back(read_action(in));
  }
  if (!in.ok()) return fail(Errc::invalid, in.error());
  if (line.ends_with(' ')) return fail(Errc::invalid, "the line ends with a space");
  return out;
}

void write_settings(std::string& out, const Settings& settings) {
  Writer writer(out, nullptr);
  writer.number(settings.settle_every.count()).number(settings.credit_step.count()).number(settings.credit_max.count());
  writer.number(settings.output_tokens_guess).number(settings.head_start_percent).number(settings.look_ahead_tokens);
  writer.number(settings.waiting_max);
  writer.flag(settings.revoke_batch);
}

Expected<Settings> read_settings(std::string_view text) {
  Reader in(text);
  Settings out;
  for (Duration* duration : {&out.settle_every, &out.credit_step, &out.credit_max}) {
    std::int64_t ns = 0;
    in.number(ns, "a duration in nanoseconds");
    *duration = Duration(ns);
  }
  in.number(out.output_tokens_guess, "a number of tokens");
  in.number(out.head_start_percent, "a per cent");
  in.number(out.look_ahead_tokens, "a number of tokens");
  in.number(out.waiting_max, "a number of tickets");
  in.flag(out.revoke_batch, "0 or 1 for revoking batch");
  in.end();
  if (!in.ok()) return fail(Errc::invalid, in.error());
  return out;
}

}  // namespace faelled::commons
