#include "store/postgres/address.hpp"

#include <arpa/inet.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <memory>

namespace faelled::store::postgres {
namespace {

constexpr const char* system_ca_file = "/etc/ssl/certs/ca-certificates.crt";
constexpr const char* form = "write it as postgresql://user@host:5432/database";

using Parameters = std::vector<std::pair<std::string, std::string>>;

std::string* find(Parameters& all, std::string_view keyword) {
  const auto found = std::ranges::find(all, keyword, &std::pair<std::string, std::string>::first);
  return found == all.end() ? nullptr : &found->second;
}

void set_if_absent(Parameters& all, const char* keyword, std::string value) {
  if (find(all, keyword) == nullptr) all.emplace_back(keyword, std::move(value));
}

std::vector<std::string> items_of(std::string_view list) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t comma = list.find(',');
    out.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return out;
    list.remove_prefix(comma + 1);
  }
}

bool is_loopback(const std::string& address) {
  std::array<unsigned char, 16> raw{};
  if (inet_pton(AF_INET, address.c_str(), raw.data()) == 1) return raw[0] == 127;
  return inet_pton(AF_INET6, address.c_str(), raw.data()) == 1 &&
         raw == std::array<unsigned char, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
}

bool is_near_host(const std::string& host) {
  return host.starts_with('/') || host.starts_with('@') || host == "localhost" || is_loopback(host);
}

// A socket of this machine, or its loopback: nobody is in between. What libpq would take from elsewhere, a service's
// file or its environment, may lead anywhere; a proof that is asked for costs a socket nothing, libpq asks none there.
bool is_near(Parameters& all) {
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
  };
  const std::string* hosts = find(all, "host");
  const std::string* addresses = find(all, "hostaddr");
  if (hosts == nullptr || find(all, "service") != nullptr || set("PGSERVICE")) return false;
  if (addresses == nullptr && set("PGHOSTADDR")) return false;
  return std::ranges::all_of(items_of(*hosts), is_near_host) &&
         (addresses == nullptr || std::ranges::all_of(items_of(*addresses), is_loopback));
}

Expected<std::string> password_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  if (!in || !std::getline(in, line) || line.empty()) {
    return fail(Errc::io, "cannot read the database's password from " + file.string(),
                "the file's first line is the password; give the user that runs faelled the right to read it");
  }
  while (line.ends_with('\r') || line.ends_with('\n')) line.pop_back();
  return line;
}

}  // namespace

Expected<Address> Address::of(const std::string& url, const std::filesystem::path& password_file,
                              const std::filesystem::path& ca_file) {
  char* complaint = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse(url.c_str(), &complaint),
                                                                             &PQconninfoFree);
  // What libpq complains about may quote the address, and somebody may have put a password into it.
  PQfreemem(complaint);
  if (!options || !(url.starts_with("postgresql://") || url.starts_with("postgres://")))
    return fail(Errc::invalid, "the store's address is none that PostgreSQL's clients understand", form);
  Address out;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option)
    if (option->val != nullptr) out.parameters_.emplace_back(option->keyword, option->val);
  if (find(out.parameters_, "password") != nullptr) {
    return fail(Errc::invalid, "the store's address holds a password, and addresses are shown in logs",
                "put the password into a file and name it with `store_password_file`, or use PGPASSFILE");
  }
  if (!password_file.empty()) {
    auto password = password_of(password_file);
    if (!password) return std::unexpected(password.error());
    out.parameters_.emplace_back("password", std::move(*password));
  }
  const auto text = [&](const char* keyword) {
    const std::string* value = find(out.parameters_, keyword);
    return value == nullptr ? std::string() : *value;
  };
  if (!is_near(out.parameters_) || !ca_file.empty()) {
    set_if_absent(out.parameters_, "sslmode", "verify-full");
    set_if_absent(out.parameters_, "sslrootcert", ca_file.empty() ? system_ca_file : ca_file.string());
  }
  set_if_absent(out.parameters_, "application_name", "faelled");
  // A network that swallows packets is noticed by the second, not by the quarter of an hour.
  set_if_absent(out.parameters_, "tcp_user_timeout", "5000");
  // A server that a fail-over has made a copy takes no changes; the next host of the list may be the one that does.
  set_if_absent(out.parameters_, "target_session_attrs", "read-write");
  const std::string user = text("user");
  const std::string port = text("port");
  const bool socket = text("host").starts_with('/');
  out.shown_ = "postgresql://" + (user.empty() ? "" : user + "@") + (socket ? "" : text("host")) +
               (port.empty() ? "" : ":" + port) + "/" + text("dbname") + (socket ? "?host=" + text("host") : "");
  return out;
}

std::size_t Address::places() const {
  std::size_t out = 1;
  for (const auto& [keyword, value] : parameters_)
    if (keyword == "host" || keyword == "hostaddr") out = std::max(out, items_of(value).size());
  return out;
}

void Address::begin_with_the_next() {
  for (auto& [keyword, value] : parameters_) {
    if (keyword != "host" && keyword != "hostaddr" && keyword != "port") continue;
    const std::size_t comma = value.find(',');  // a single port is every host's
    if (comma != std::string::npos) value = value.substr(comma + 1) + "," + value.substr(0, comma);
  }
}

}  // namespace faelled::store::postgres
