// Connection: libpq's C interface with an owner, a deadline for every wait, and Expected. It comes back by itself: what
// is asked while the database is away is refused at once, and now and then, ever more seldom up to
// limits::store_reconnect_max, a call tries to connect again. Only src/store/postgres and copy.cpp include it. One
// thread.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "store/postgres/address.hpp"
#include "store/postgres/values.hpp"
#include "store/sql/connection.hpp"

namespace faelled::store::postgres {

struct ResultFree {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ResultFree>;

class Connection final : public sql::Connection {
 public:
  // `greet` runs on every new connection before anything else does: is this still a database that we understand?
  using Greet = std::function<Expected<void>(Connection&)>;

  // Errors: unavailable (nobody answers, or it is starting), io (wrong password, no such database, no right to it, a
  // certificate that proves nothing), and greet's.
  static Expected<std::unique_ptr<Connection>> open(Address address);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void greet_with(Greet greet) { greet_ = std::move(greet); }

  // For work that may take long (building an index, copying everything): how long one statement may.
  Expected<void> be_patient(Duration patience);

  // How long a lock is waited for, to the end of this transaction; elsewhere it is lock_wait_max.
  Expected<void> wait_for_locks(Duration patience);
  static constexpr Duration lock_wait_max = std::chrono::seconds(5);

  // Statements without parameters and result, `;` between them.
  Expected<void> run(const char* sql);

  // As change() and each(), with values that are arrays.
  Expected<std::int64_t> change_by(const char* sql, const Parameters& parameters);
  Expected<void> each_by(const char* sql, const std::function<void(sql::Row&)>& row, const Parameters& parameters);

  // Inside, a change that fails leaves the others as they are, as with SQLite.
  Expected<void> together(const std::function<Expected<void>()>& work) override;

  // COPY … FROM STDIN: `next` gives the bytes to send, empty at the end. Only inside together().
  Expected<void> copy_in(const char* sql, const std::function<Expected<std::string>()>& next);

  bool connected() const { return pg_ != nullptr; }
  std::uint64_t connections() const { return connections_; }  // that were made so far
  const Address& address() const { return address_; }

 private:
  explicit Connection(Address address) : address_(std::move(address)) {}

  Expected<std::int64_t> change_with(const char* sql, std::span<const sql::Value> values) override;
  Expected<void> each_with(const char* sql, const std::function<void(sql::Row&)>& row,
                           std::span<const sql::Value> values) override;
  Expected<void> connect();
  Expected<void> usable();  // connected, or connects if it is time to
  Expected<Result> execute(const char* sql, const Parameters& parameters);
  Expected<Result> prepared(const char* sql, const Parameters& parameters);
  Expected<std::string> name_of(const char* sql);
  Expected<Result> answer();  // to what was sent last
  Expected<void> flush(Instant deadline);
  Expected<void> wait_for(short events, Instant deadline);
  std::unexpected<Error> lost(std::string_view why);

  Address address_;
  Greet greet_;
  PGconn* pg_ = nullptr;
  std::uint64_t connections_ = 0;
  std::vector<std::pair<const char*, std::string>> kept_;  // prepared on this connection: literal and name
  bool in_together_ = false;
  bool ran_out_ = false;  // the last attempt to connect, of its time
  Duration answer_max_ = limits::store_answer_max;
  Instant next_try_{};
  Duration pause_{};
};

}  // namespace faelled::store::postgres
