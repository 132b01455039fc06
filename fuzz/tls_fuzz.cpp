// The TLS edge. The first byte chooses: a stranger's bytes to the answering side, a server's to the asking side, a
// handshake between two honest sides with some bytes of the wire changed, or a certificate's DER form. What is read is
// what was written or nothing, a side that has failed stays so, and nobody has a name that was not vouched for.
#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <string>

#include "crypto/certificates_testing.hpp"

namespace {

using namespace faelled::crypto;
using Step = TlsSession::Step;

void require(bool holds) {
  if (!holds) std::abort();
}

struct World {
  TestAuthority authority;
  IssuedCertificate own = authority.issue();
  IssuedCertificate client = authority.issue({"client", ""});
  std::shared_ptr<const TlsContext> answers =
      TlsContext::server({own.certificate, own.key, authority.pem(), ClientCertificates::optional}).value();
  std::shared_ptr<const TlsContext> asks =
      TlsContext::client({authority.pem(), client.certificate, client.key}).value();
};

const World& world() {
  static const World one;
  return one;
}

void stranger(TlsSession session, std::string_view bytes, std::size_t step) {
  bool failed = false;
  std::string into(4096, '\0');
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    session.receive(bytes.substr(at, step));
    const Step now = session.handshake();
    require(!failed || now == Step::failed);
    require(now != Step::done && !session.peer());  // without a key nobody comes so far
    failed = now == Step::failed;
    require(session.read(into).step == Step::failed && !session.write("x"));
    require(session.outgoing().size() < 64 * 1024);
    session.sent(session.outgoing().size());
    if (failed) require(!session.why().empty());
  }
}

// Carries the wire between both and turns the bytes that `edits` names: (turn, place, value) by threes.
void two_honest_sides(std::string_view edits) {
  auto asks = TlsSession::connect(world().asks, "localhost");
  auto answers = TlsSession::accept(world().answers);
  const std::string question(5000, 'q'), answer(20'000, 'a');
  std::string heard_question, heard_answer, piece(3000, '\0');
  bool asked = false, answered = false, changed = false;
  for (unsigned turn = 0; turn < 16; ++turn) {
    if (asks.handshake() == Step::done && !std::exchange(asked, true)) asks.write(question);
    if (answers.handshake() == Step::done && !std::exchange(answered, true)) answers.write(answer);
    const auto drain = [&](TlsSession& from, std::string& into) {
      for (auto got = from.read(piece); got.step == Step::done; got = from.read(piece))
        into += piece.substr(0, got.bytes);
    };
    if (answered) drain(answers, heard_question);
    if (asked) drain(asks, heard_answer);
    std::string there(asks.outgoing()), back(answers.outgoing());
    asks.sent(there.size());
    answers.sent(back.size());
    for (std::size_t at = 0; at + 3 <= edits.size(); at += 3) {
      const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(edits[at + i]); };
      std::string& wire = (byte(0) & 1U) != 0 ? there : back;
      if ((byte(0) >> 1U) % 16 != turn || wire.empty() || byte(2) == 0) continue;
      wire[byte(1) * wire.size() / 256] ^= static_cast<char>(byte(2));
      changed = true;
    }
    answers.receive(there);
    asks.receive(back);
  }
  require(question.starts_with(heard_question) && answer.starts_with(heard_answer));
  if (answers.peer()) require(answers.peer()->common_name == "client");
  if (asks.peer()) require(asks.peer()->common_name == "localhost");
  if (!changed) require(heard_question == question && heard_answer == answer && answers.peer());
}

void certificate(std::string_view der) {
  const auto read = read_certificate(std::as_bytes(std::span(der)));
  if (!read) return;
  require(read->fingerprint.size() == 64);
  for (const auto* names : {&read->dns, &read->emails, &read->uris, &read->addresses})
    for (const std::string& name : *names)
      require(!name.empty() && name.find_first_of(std::string_view("\r\n\0", 3)) == name.npos);
  require(read->common_name.find('\0') == std::string::npos && !read->names(""));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  if (bytes < 2) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 2, bytes - 2);
  // Few pieces: what comes after the first wrong record is not looked at, and each piece costs a handshake's step.
  const std::size_t step = std::max(1 + data[1] * 8UL, rest.size() / 16);
  // A handshake costs a hundred times what strangers do: one in 32 of those that ask for it, by their sum, so that what
  // grows from a handshake is not one each time.
  const unsigned sum = std::accumulate(data, data + bytes, 0U);
  if (data[0] == 0 && sum % 32 == 0) {
    two_honest_sides(rest.substr(0, 30));
  } else if (data[0] < 110) {
    stranger(TlsSession::accept(world().answers), rest, step);
  } else if (data[0] < 180) {
    stranger(TlsSession::connect(world().asks, "localhost"), rest, step);
  } else {
    certificate(rest);
  }
  return 0;
}
