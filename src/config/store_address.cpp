#include "config/store_address.hpp"

namespace faelled::config {
namespace {

constexpr std::size_t path_bytes_max = 4096;

}  // namespace

// No message may show what stands between the slashes and the '@': somebody may have put a password there.
void read_store(Fields& top, const std::filesystem::path& folder, Store& store) {
  for (const auto& [key, into] :
       {std::pair("store_password_file", &store.password_file), std::pair("store_ca_file", &store.ca_file)}) {
    const auto file = top.text(key, path_bytes_max);
    if (!file) continue;
    *into = (folder / *file).lexically_normal();
    if (!top.has("store"))
      top.wrong(key, std::string(key) + " is of no use without a store",
                "add store: postgresql://user@host:5432/database, or take this line away");
  }
  const auto url = top.text("store", path_bytes_max);
  if (!url) return;
  const std::size_t scheme = url->starts_with("postgresql://") ? 13 : url->starts_with("postgres://") ? 11 : 0;
  if (scheme == 0) {
    return top.wrong("store", "store is no address of a PostgreSQL database",
                     "write postgresql://user@host:5432/database, or leave it out for a file in the data folder");
  }
  const std::string_view rest = std::string_view(*url).substr(scheme);
  // Up to the last '@' of all, as a password may hold a '/', and libpq would take what comes before that for the host.
  const std::string_view before_options = rest.substr(0, rest.find('?'));
  const std::size_t at = before_options.rfind('@');
  const bool password = at != std::string_view::npos && before_options.substr(0, at).contains(':');
  if (password || rest.contains("password=")) {
    return top.wrong("store", "store holds a password, and addresses are shown in logs",
                     "put it into a file and name that with store_password_file, or use PGPASSFILE");
  }
  store.url = *url;
}

}  // namespace faelled::config
