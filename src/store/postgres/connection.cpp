#include "store/postgres/connection.hpp"

#include <poll.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/limits.hpp"
#include "store/postgres/sqlstate.hpp"

namespace faelled::store::postgres {
namespace {

// The server gives up before we do, and notices soon when our machine is gone: a lock that nobody holds any more is let
// go. UTC and the rest stand here so that no setting of the database's or the role's changes what a statement means.
const std::string& settings() {
  static const std::string all =
      "SET statement_timeout = " + std::to_string(to_millis(limits::store_statement_max)) +
      "; SET lock_timeout = " + std::to_string(to_millis(Connection::lock_wait_max)) +
      "; SET idle_in_transaction_session_timeout = '60s'; "
      "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; "
      "SET synchronous_commit = on; SET default_transaction_isolation = 'read committed'; SET timezone = 'UTC'; "
      "SET client_min_messages = warning; SET standard_conforming_strings = on; SET client_encoding = 'UTF8'; "
      "SET bytea_output = 'hex'";
  return all;
}

Instant now() { return std::chrono::steady_clock::now(); }

Parameters parameters_of(std::span<const sql::Value> values) {
  Parameters out;
  for (const sql::Value& value : values) out.add(value);
  return out;
}

std::string one_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

Expected<std::unique_ptr<Connection>> Connection::open(Address address) {
  std::unique_ptr<Connection> out(new Connection(std::move(address)));
  auto connected = out->connect();
  for (std::size_t left = out->address_.places(); !connected && out->ran_out_ && left > 1; --left)
    connected = out->connect();
  if (!connected) return std::unexpected(connected.error());
  return out;
}

Connection::~Connection() { PQfinish(pg_); }

std::unexpected<Error> Connection::lost(std::string_view why) {
  PQfinish(pg_);
  pg_ = nullptr;
  kept_.clear();
  pause_ = std::clamp<Duration>(pause_ * 2, limits::store_reconnect_min, limits::store_reconnect_max);
  next_try_ = now() + pause_;
  return fail(Errc::unavailable, "the database " + address_.shown() + " does not answer: " + std::string(why),
              "is PostgreSQL running, and is the network to it up? faelled goes on trying");
}

Expected<void> Connection::wait_for(short events, Instant deadline) {
  pollfd descriptor{PQsocket(pg_), events, 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now()).count();
    if (left <= 0) return lost("it took too long");
    const int ready = ::poll(&descriptor, 1, static_cast<int>(left));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return lost("poll failed");
  }
}

Expected<void> Connection::connect() {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : address_.parameters()) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  pg_ = PQconnectStartParams(keywords.data(), values.data(), 0);
  FAELLED_CHECK(pg_ != nullptr, "only a machine without memory gives none");
  ran_out_ = false;
  const Instant deadline = now() + limits::store_connect_max;
  for (PostgresPollingStatusType next = PGRES_POLLING_WRITING; next != PGRES_POLLING_OK; next = PQconnectPoll(pg_)) {
    if (next == PGRES_POLLING_FAILED || PQstatus(pg_) == CONNECTION_BAD) {
      Error error = error_of_connecting(one_line(PQerrorMessage(pg_)), address_.shown());
      (void)lost("");
      return std::unexpected(std::move(error));
    }
    if (auto ready = wait_for(next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline); !ready) {
      ran_out_ = true;
      address_.begin_with_the_next();
      return ready;
    }
  }
  ++connections_;
  PQsetnonblocking(pg_, 1);
  // What the server wants to tell about our statements belongs into its log, not on our standard error.
  PQsetNoticeProcessor(pg_, [](void*, const char*) {}, nullptr);
  auto greeted = run(settings().c_str());
  if (greeted && greet_) {
    const bool outer = std::exchange(in_together_, false);
    greeted = greet_(*this);
    in_together_ = outer;
  }
  if (!greeted) {
    (void)lost("");
    return greeted;
  }
  pause_ = {};
  return {};
}

Expected<void> Connection::be_patient(Duration patience) {
  answer_max_ = patience + (limits::store_answer_max - limits::store_statement_max);
  return run(("SET statement_timeout = " + std::to_string(to_millis(patience))).c_str());
}

Expected<void> Connection::wait_for_locks(Duration patience) {
  return run(("SET LOCAL lock_timeout = " + std::to_string(to_millis(patience))).c_str());
}

Expected<void> Connection::usable() {
  if (pg_ != nullptr) {
    if (in_together_) return {};
    // A server that has gone says so as soon as one listens; then a new connection costs the caller nothing.
    // It takes several reads: what it says at the end comes first.
    pollfd descriptor{PQsocket(pg_), POLLIN, 0};
    bool there = true;
    while (there && ::poll(&descriptor, 1, 0) > 0) there = PQconsumeInput(pg_) == 1 && PQstatus(pg_) == CONNECTION_OK;
    if (there) return {};
    (void)lost("");
    next_try_ = {};
  }
  if (in_together_ || now() < next_try_)
    return fail(Errc::unavailable, "the database " + address_.shown() + " does not answer",
                "is PostgreSQL running, and is the network to it up? faelled goes on trying");
  return connect();
}

Expected<void> Connection::flush(Instant deadline) {
  for (;;) {
    const int left = PQflush(pg_);
    if (left == 0) return {};
    if (left < 0) return lost(one_line(PQerrorMessage(pg_)));
    if (auto ready = wait_for(POLLIN | POLLOUT, deadline); !ready) return ready;
    if (PQconsumeInput(pg_) == 0) return lost(one_line(PQerrorMessage(pg_)));
  }
}

Expected<Result> Connection::answer() {
  const Instant deadline = now() + answer_max_;
  if (auto flushed = flush(deadline); !flushed) return std::unexpected(flushed.error());
  Result first;
  for (;;) {
    while (PQisBusy(pg_) == 1) {
      if (auto ready = wait_for(POLLIN, deadline); !ready) return std::unexpected(ready.error());
      if (PQconsumeInput(pg_) == 0) return lost(one_line(PQerrorMessage(pg_)));
    }
    Result result(PQgetResult(pg_));
    if (!result) break;
    const ExecStatusType status = PQresultStatus(result.get());
    // The first that failed tells more than those that follow from it; of several statements the last one's counts.
    if (!first || PQresultStatus(first.get()) != PGRES_FATAL_ERROR) first = std::move(result);
    if (status == PGRES_COPY_IN) break;
  }
  if (PQstatus(pg_) != CONNECTION_OK) return lost("the connection broke");
  if (!first) return lost("it said nothing");
  if (PQresultStatus(first.get()) != PGRES_FATAL_ERROR) return first;
  Error error = error_of(first.get(), address_.shown());
  if (is_over(first.get())) (void)lost("");
  return std::unexpected(std::move(error));
}

Expected<void> Connection::run(const char* sql) {
  if (auto ready = pg_ == nullptr ? usable() : Expected<void>(); !ready) return ready;
  if (PQsendQuery(pg_, sql) == 0) return lost(one_line(PQerrorMessage(pg_)));
  auto result = answer();
  if (!result) return std::unexpected(result.error());
  return {};
}

Expected<std::string> Connection::name_of(const char* sql) {
  for (const auto& [known, name] : kept_)
    if (known == sql) return name;
  std::string name = "s" + std::to_string(kept_.size());
  if (PQsendPrepare(pg_, name.c_str(), sql, 0, nullptr) == 0) return lost(one_line(PQerrorMessage(pg_)));
  if (auto result = answer(); !result) return std::unexpected(result.error());
  kept_.emplace_back(sql, name);
  return name;
}

Expected<Result> Connection::prepared(const char* sql, const Parameters& parameters) {
  auto name = name_of(sql);
  if (!name) return std::unexpected(name.error());
  const auto values = parameters.pointers();
  const auto lengths = parameters.lengths();
  if (PQsendQueryPrepared(pg_, name->c_str(), parameters.count(), values.data(), lengths.data(),
                          parameters.formats().data(), 1) == 0)
    return lost(one_line(PQerrorMessage(pg_)));
  return answer();
}

Expected<Result> Connection::execute(const char* sql, const Parameters& parameters) {
  if (auto ready = usable(); !ready) return std::unexpected(ready.error());
  return prepared(sql, parameters);
}

Expected<std::int64_t> Connection::change_by(const char* sql, const Parameters& parameters) {
  if (in_together_) {
    if (auto kept = run("SAVEPOINT one"); !kept) return std::unexpected(kept.error());
  }
  auto result = execute(sql, parameters);
  if (in_together_ && pg_ != nullptr) {
    const auto left = run(result ? "RELEASE SAVEPOINT one" : "ROLLBACK TO SAVEPOINT one; RELEASE SAVEPOINT one");
    if (result && !left) return std::unexpected(left.error());
  }
  if (!result) return std::unexpected(result.error());
  const std::string_view changed = PQcmdTuples(result->get());
  return changed.empty() ? 0 : std::stoll(std::string(changed));
}

Expected<void> Connection::each_by(const char* sql, const std::function<void(sql::Row&)>& row,
                                   const Parameters& parameters) {
  auto result = execute(sql, parameters);
  if (!result) return std::unexpected(result.error());
  for (int i = 0; i < PQntuples(result->get()); ++i) {
    Row one(result->get(), i);
    row(one);
  }
  return {};
}

Expected<std::int64_t> Connection::change_with(const char* sql, std::span<const sql::Value> values) {
  return change_by(sql, parameters_of(values));
}

Expected<void> Connection::each_with(const char* sql, const std::function<void(sql::Row&)>& row,
                                     std::span<const sql::Value> values) {
  return each_by(sql, row, parameters_of(values));
}

Expected<void> Connection::together(const std::function<Expected<void>()>& work) {
  if (auto ready = usable(); !ready) return ready;
  // Whatever the database's default is: who has waited for a turn is to see what the turn before has left.
  if (auto begun = run("BEGIN ISOLATION LEVEL READ COMMITTED"); !begun) return begun;
  in_together_ = true;
  auto done = work();
  in_together_ = false;
  // A connection that broke on the way took the transaction with it, whatever the work says.
  if (pg_ == nullptr || PQtransactionStatus(pg_) == PQTRANS_IDLE) {
    if (!done) return done;
    return fail(Errc::unavailable, "the database " + address_.shown() + " went away before all was written",
                "nothing was changed; try again");
  }
  // After an error that was read over the database would take COMMIT for ROLLBACK, and say that all is well.
  if (done && PQtransactionStatus(pg_) != PQTRANS_INTRANS)
    done = fail(Errc::internal, "a statement failed inside a change, and nobody said so");
  if (done) return run("COMMIT");
  (void)run("ROLLBACK");
  return done;
}

Expected<void> Connection::copy_in(const char* sql, const std::function<Expected<std::string>()>& next) {
  FAELLED_CHECK(in_together_, "a copy that breaks off is rolled back");
  if (auto begun = run(sql); !begun) return begun;
  for (;;) {
    auto bytes = next();
    if (!bytes || bytes->empty()) {
      PQputCopyEnd(pg_, bytes ? nullptr : "the source cannot be read");
      auto ended = answer();
      if (!bytes) return std::unexpected(bytes.error());
      if (!ended) return std::unexpected(ended.error());
      return {};
    }
    if (PQputCopyData(pg_, bytes->data(), static_cast<int>(bytes->size())) < 0)
      return lost(one_line(PQerrorMessage(pg_)));
    if (auto flushed = flush(now() + answer_max_); !flushed) return flushed;
  }
}

}  // namespace faelled::store::postgres
