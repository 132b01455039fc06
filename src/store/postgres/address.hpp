// Address: where the database is and how to get in, as an operator wrote it, made into what libpq takes. Says of itself
// what may be shown: never the password. A value.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace faelled::store::postgres {

class Address {
 public:
  // `url`: postgresql://[user@]host[,host…][:port]/database[?parameter=value…], as libpq takes it, without a password.
  // `password_file`: its first line; empty: PGPASSFILE or ~/.pgpass, as libpq looks for it. `ca_file`: who may have
  // signed the server's certificate; empty: whom the system trusts. Over a network, and wherever it may be one, the
  // certificate is proven unless the address says another sslmode. Errors: invalid (no such address, a password in it),
  // io (the file cannot be read).
  static Expected<Address> of(const std::string& url, const std::filesystem::path& password_file,
                              const std::filesystem::path& ca_file);

  // Keyword and value, for PQconnectStartParams. Holds the password.
  const std::vector<std::pair<std::string, std::string>>& parameters() const { return parameters_; }

  // How many hosts are listed, and a list that begins one further: libpq tries them in order, and one that swallows
  // what is sent to it takes all the time that there is.
  std::size_t places() const;
  void begin_with_the_next();

  // "postgresql://faelled@db.example.dk/faelled": for messages and logs.
  const std::string& shown() const { return shown_; }

 private:
  Address() = default;
  std::vector<std::pair<std::string, std::string>> parameters_;
  std::string shown_;
};

}  // namespace faelled::store::postgres
