#include "http/forwarded.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/whole_number.hpp"

namespace faelled::http {
namespace {

using Bytes = std::array<unsigned char, 16>;

struct Parsed {
  Bytes bytes{};
  unsigned bits = 128;  // of a full address
  bool v4 = false;
};

std::optional<Parsed> parse(std::string_view text) {
  if (text.size() > INET6_ADDRSTRLEN) return std::nullopt;
  const std::string copy(text);
  Parsed out;
  if (inet_pton(AF_INET6, copy.c_str(), out.bytes.data()) == 1) return out;
  out.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  out.v4 = true;
  if (inet_pton(AF_INET, copy.c_str(), out.bytes.data() + 12) == 1) return out;
  return std::nullopt;
}

bool same_address(std::string_view one, std::string_view other) {
  const auto a = parse(one), b = parse(other);
  return a && b && a->bytes == b->bytes;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// "10.0.0.5:4711", "[::1]:4711", "::1", with or without quotes: the address alone.
std::string_view without_port(std::string_view text) {
  text = trimmed(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  if (text.starts_with('[')) return text.substr(1, std::max<std::size_t>(text.find(']'), 1) - 1);
  if (std::ranges::count(text, ':') == 1) return text.substr(0, text.find(':'));
  return text;
}

std::string_view last_of(std::string_view& list, char separator) {
  const std::size_t at = list.rfind(separator);
  const std::string_view last = at == std::string_view::npos ? list : list.substr(at + 1);
  list = at == std::string_view::npos ? std::string_view() : list.substr(0, at);
  return trimmed(last);
}

// for="[2001:db8::1]:4711";proto=https (RFC 7239 section 4)
std::string_view for_of(std::string_view element) {
  while (!element.empty()) {
    const std::string_view pair = last_of(element, ';');
    if (pair.size() > 4 && same_name(pair.substr(0, 4), "for=")) return pair.substr(4);
  }
  return {};
}

}  // namespace

bool TrustedProxies::add_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse(text.substr(0, slash));
  if (!address) return false;
  unsigned bits = address->v4 ? 32 : 128;
  if (slash != std::string_view::npos) {
    const auto written = whole_number<unsigned>(text.substr(slash + 1));
    if (!written || *written > bits) return false;
    bits = *written;
  }
  networks_.push_back({address->bytes, address->v4 ? bits + 96 : bits});
  return true;
}

bool TrustedProxies::holds(std::string_view address) const {
  const auto at = parse(address);
  if (!at) return false;
  return std::ranges::any_of(networks_, [&](const Network& network) {
    const unsigned whole = network.bits / 8;
    const unsigned rest = network.bits % 8;
    if (std::memcmp(network.bytes.data(), at->bytes.data(), whole) != 0) return false;
    return rest == 0 || ((network.bytes[whole] ^ at->bytes[whole]) >> (8 - rest)) == 0;
  });
}

std::string TrustedProxies::client_of(const std::string& nearest, const crypto::Certificate* certificate,
                                      const Request& request) const {
  const bool by_name = certificate != nullptr &&
                       std::ranges::any_of(names_, [&](const std::string& name) { return certificate->names(name); });
  if (!by_name && !holds(without_port(nearest))) return nearest;
  // Of lines with one name only the last is the proxy's own for certain.
  std::string_view listed, standard;
  for (const Header& header : request.headers) {
    if (same_name(header.name, "x-forwarded-for")) listed = header.value;
    if (same_name(header.name, "forwarded")) standard = header.value;
  }
  const std::string client = client_in(standard.empty() ? listed : standard, !standard.empty());
  // A proxy writes one of the two and passes the other on as its client wrote it; which, nobody says.
  const bool both = !standard.empty() && !listed.empty();
  if (client.empty() || (both && !same_address(client, client_in(listed, false)))) return nearest;
  return fmt::format("{} by {}", client, nearest);
}

std::string TrustedProxies::client_in(std::string_view list, bool standard) const {
  while (!list.empty()) {
    const std::string_view element = last_of(list, ',');
    const std::string_view client = without_port(standard ? for_of(element) : element);
    if (!parse(client)) break;
    if (!holds(client)) return std::string(client);
  }
  return {};
}

}  // namespace faelled::http
