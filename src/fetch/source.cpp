#include "fetch/source.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "base/limits.hpp"

namespace faelled::fetch {
namespace {

constexpr std::string_view https = "https://";
constexpr std::string_view http = "http://";
constexpr std::string_view hub_scheme = "hf:";
constexpr std::string_view ending = ".gguf";
constexpr std::string_view folder_ending = ".folder";
constexpr std::size_t name_bytes_max = 100;
constexpr std::size_t commit_digits = 40;

constexpr const char* how =
    "for example https://host/models/small.gguf, or hf:owner/repository/small.gguf of Hugging Face, or for vLLM a "
    "whole "
    "hf:owner/repository";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.size() <= name_bytes_max && std::ranges::all_of(name, is_plain);
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

// What stands between the scheme and the path; empty where there is no scheme of ours.
std::string_view authority_of(std::string_view url) {
  const std::size_t at = url.starts_with(https) ? https.size() : url.starts_with(http) ? http.size() : 0;
  return at == 0 ? std::string_view() : url.substr(at, url.find_first_of("/?#", at) - at);
}

std::string_view host_of(std::string_view url) {
  const std::string_view authority = authority_of(url);
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

Expected<Source> hub_source(std::string_view text) {
  const auto wrong = [&](const char* what) { return fail(Errc::invalid, "'" + std::string(text) + "' " + what, how); };
  std::string_view rest = text.substr(hub_scheme.size());
  const std::size_t owner_end = rest.find('/');
  if (owner_end == std::string_view::npos) return wrong("names no repository");
  const std::size_t name_end = std::min(rest.find('/', owner_end + 1), rest.size());
  if (name_end == rest.size() && rest.ends_with(ending)) return wrong("names no file");
  std::string_view name = rest.substr(owner_end + 1, name_end - owner_end - 1);
  Source source;
  source.text = text;
  source.revision = "main";
  if (const std::size_t at = name.find('@'); at != std::string_view::npos) {
    source.revision = name.substr(at + 1);
    name = name.substr(0, at);
    if (!is_plain_name(source.revision)) return wrong("has a revision that is no branch, tag or commit");
  }
  if (!is_plain_name(rest.substr(0, owner_end)) || !is_plain_name(name)) return wrong("names no repository");
  source.repository = std::string(rest.substr(0, owner_end)) + "/" + std::string(name);
  if (name_end < rest.size()) source.path = rest.substr(name_end + 1);
  if (source.path.empty()) return source;
  const std::string_view parts = std::string_view(source.path).substr(0, source.path.size() - source.is_folder());
  for (std::size_t at = 0; at <= parts.size();) {
    const std::size_t end = std::min(parts.find('/', at), parts.size());
    const std::string_view part = parts.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return wrong("names no file");
    at = end + 1;
  }
  return source;
}

}  // namespace

std::string_view origin_of(std::string_view url) {
  const std::string_view authority = authority_of(url);
  return authority.empty() ? authority : url.substr(0, static_cast<std::size_t>(authority.end() - url.begin()));
}

bool names_this_machine(std::string_view url) {
  const std::string host(host_of(url));
  in_addr four{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24U) == 127;
  return host == "localhost" || host == "::1";
}

bool may_ask(std::string_view url) {
  const std::string_view authority = authority_of(url);
  if (url.size() > 4 * limits::fetch_url_bytes_max || !is_printable(url)) return false;  // a signature may be long
  if (authority.empty() || authority.contains('@') || host_of(url).empty()) return false;
  return url.starts_with(https) || names_this_machine(url);
}

std::string shown(std::string_view url) { return std::string(url.substr(0, url.find_first_of("?#"))); }

Expected<Source> parse_source(std::string_view text) {
  const auto wrong = [&](const std::string& what, const char* hint = how) {
    return fail(Errc::invalid, "'" + std::string(text.substr(0, name_bytes_max)) + "' " + what, hint);
  };
  const bool of_hub = text.starts_with(hub_scheme);
  if (!of_hub && !text.starts_with(https) && !text.starts_with(http)) return wrong("is no source of a file");
  // Its text would be shown with the password in it.
  if (authority_of(text).contains('@'))
    return fail(Errc::invalid, "a source must not hold a user or password",
                "give a hub's token with downloads.token_file; other servers must not ask for one");
  if (text.size() > limits::fetch_url_bytes_max || !is_printable(text)) return wrong("is no source of a file");
  if (text.find_first_of("?#") != std::string_view::npos)
    return wrong("must not hold '?' or '#'", "it ends with the file's name");
  const bool whole_repository = of_hub && std::ranges::count(text, '/') < 2;
  if (!text.ends_with(ending) && !whole_repository && !(of_hub && text.ends_with('/')))
    return wrong("does not end with .gguf", of_hub ? "it names one GGUF file; a folder in a repository ends with '/'"
                                                   : "it names one GGUF file; folders are fetched from a hub alone");
  if (of_hub) return hub_source(text);
  if (!may_ask(text) && text.starts_with(http))
    return wrong("is not encrypted, and no address of this machine", "write https://");
  if (!may_ask(text) || origin_of(text).size() + ending.size() >= text.size()) return wrong("names no file");
  return Source{std::string(text), std::string(text), {}, {}, {}};
}

Expected<std::string> parse_hub(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  if (!may_ask(text) || text.size() > limits::fetch_url_bytes_max || text.find_first_of("?#") != std::string_view::npos)
    return fail(Errc::invalid, "'" + shown(text) + "' is no address of a hub",
                "for example https://huggingface.co, or http:// of this machine; without user, password and query");
  return std::string(text);
}

std::string listing_url_of(const Source& source, std::string_view revision, std::string_view hub) {
  return std::string(hub) + "/api/models/" + source.repository + "/revision/" + std::string(revision) + "?blobs=true";
}

Source file_of(const Source& folder, std::string_view commit, std::string_view name) {
  Source file = folder;
  file.revision = commit;
  file.path += name;
  return file;
}

bool is_commit(std::string_view revision) {
  return revision.size() == commit_digits &&
         std::ranges::all_of(revision, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string url_of(const Source& source, std::string_view hub) {
  if (!source.of_hub()) return source.url;
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out = std::string(hub) + "/" + source.repository + "/resolve/" + source.revision + "/";
  for (const char c : source.path) {
    if (is_plain(c) || c == '/') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', digits[byte >> 4U], digits[byte & 15U]};
  }
  return out;
}

std::string base_name(const Source& source) {
  std::string_view all = source.of_hub() ? source.path : source.url;
  if (source.is_folder()) all = all.empty() ? std::string_view(source.repository) : all.substr(0, all.size() - 1);
  std::string name(all.substr(all.rfind('/') + 1));
  if (source.is_folder()) name += folder_ending;
  std::ranges::replace_if(name, [](char c) { return !is_plain(c); }, '_');
  if (name.size() > name_bytes_max) name.erase(0, name.size() - name_bytes_max);  // the ending stays
  return name;
}

}  // namespace faelled::fetch
