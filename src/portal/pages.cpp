#include "portal/pages.hpp"

#include <fmt/format.h>

#include "portal/assets.hpp"

namespace faelled::portal {
namespace {

using http::Method;

constexpr std::string_view security_headers =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(), microphone=(), geolocation=()\r\nVary: Accept-Encoding\r\n";

// The pages of ui/src/lib/address.ts, each with one part below it at most: "/people", "/people/audit".
bool is_page(std::string_view path) {
  if (path == "/" || path == "/sign-in") return true;
  for (const std::string_view page : {"/c", "/keys", "/usage", "/share", "/people", "/agreements", "/fairness",
                                      "/drift", "/models", "/maintenance", "/privacy", "/help", "/status"}) {
    if (path == page) return true;
    if (path.starts_with(page) && path[page.size()] == '/')
      return path.find_first_of("/.", page.size() + 1) == std::string_view::npos;
  }
  return false;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// The next element of a comma-separated list, taken off its front.
std::string_view next_of(std::string_view& list) {
  const std::string_view element = list.substr(0, list.find(','));
  list.remove_prefix(std::min(list.size(), element.size() + 1));
  return trimmed(element);
}

bool is_zero_weight(std::string_view parameter) {
  if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) return false;
  parameter.remove_prefix(2);
  return parameter.starts_with('0') && parameter.find_first_not_of("0.") == std::string_view::npos;
}

// If-None-Match compares weakly (RFC 9110, 13.1.2).
bool names_tag(std::string_view header, std::string_view etag) {
  while (!header.empty()) {
    std::string_view one = next_of(header);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag || one == "*") return true;
  }
  return false;
}

struct Form {
  std::string_view body;
  std::string_view coding;  // empty: as it is
};

Form form_for(const Asset& asset, std::string_view accepted) {
  if (!asset.brotli.empty() && accepts_coding(accepted, "br")) return {asset.brotli, "br"};
  if (!asset.gzip.empty() && accepts_coding(accepted, "gzip")) return {asset.gzip, "gzip"};
  return {asset.identity, {}};
}

}  // namespace

bool accepts_coding(std::string_view header, std::string_view coding) {
  bool others = false;
  while (!header.empty()) {
    const std::string_view element = next_of(header);
    const std::size_t semicolon = element.find(';');
    const std::string_view name = trimmed(element.substr(0, semicolon));
    const bool wanted = semicolon == std::string_view::npos || !is_zero_weight(trimmed(element.substr(semicolon + 1)));
    if (http::same_name(name, coding)) return wanted;
    if (name == "*") others = wanted;
  }
  return others;
}

void send_page(const http::Request& request, http::Reply& reply) {
  const auto plain = [&](int status, std::string_view more, std::string_view text) {
    reply.send(status, fmt::format("Content-Type: text/plain; charset=utf-8\r\n{}{}", more, security_headers), text);
  };
  if (request.method != Method::get && request.method != Method::head)
    return plain(405, "Allow: GET, HEAD\r\n", "GET only\n");
  const Asset* asset = find_asset(is_page(request.path) ? "/index.html" : request.path);
  if (asset == nullptr) return plain(404, {}, "not found\n");
  const Form form = form_for(*asset, request.header("accept-encoding"));
  // Each form is other bytes, so it has a tag of its own: "3f2a…" and "3f2a…-br".
  std::string etag(asset->etag);
  if (!form.coding.empty()) etag.insert(etag.size() - 1, fmt::format("-{}", form.coding));
  const bool hashed = request.path.starts_with("/assets/");
  std::string headers = fmt::format("{}ETag: {}\r\nCache-Control: {}\r\n", security_headers, etag,
                                    hashed ? "public, max-age=31536000, immutable" : "no-cache");
  if (names_tag(request.header("if-none-match"), etag)) return reply.send(304, headers, {});
  headers += fmt::format("Content-Type: {}\r\n", asset->content_type);
  if (!form.coding.empty()) headers += fmt::format("Content-Encoding: {}\r\n", form.coding);
  reply.send(200, headers, form.body);
}

}  // namespace faelled::portal
