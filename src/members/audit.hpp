// Audit: the one place through which every administrative act goes. An act waits in line until those before it are
// done, decides on what is true then, and is written in the same transaction as its audit row: no act without a row,
// no row without its act. Servers on one database take turns with their acts, so that a job that looks whether another
// has changed what it writes (newer.hpp) sees all that was. Refused ones are written at a bounded rate (Refusals). Part
// of the Directory; loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "members/act.hpp"
#include "members/snapshot.hpp"
#include "store/store_thread.hpp"

namespace faelled::members {

// What an act will do, decided when its turn has come.
template <class T>
struct Deed {
  std::function<Expected<T>(store::Store&)> job;  // on the store's thread, inside the transaction
  store::AuditRow row;                            // with no action: nothing changes, and nothing is written of it
  std::function<void(T&)> effect;                 // on the loop, once all is durable
};

class Audit {
 public:
  template <class T>
  using Then = std::function<void(Expected<T>)>;

  Audit(store::StoreThread& store, Random& random);
  ~Audit();
  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;

  // Errors: what `decide` and the job give, exhausted (limits::acts_waiting_max), and the store's. `then` never runs
  // inside the call, nor after the end of the Audit.
  template <class T>
  void carry_out(std::function<Expected<Deed<T>>()> decide, Then<T> then) {
    enter(
        [this, decide = std::move(decide), then](const std::shared_ptr<Line>& line) {
          auto deed = decide();
          if (!deed) return hand_back<T>(line, std::unexpected(deed.error()), then);
          ask<T>(line, std::move(*deed), then);
        },
        [this, then](const Error& error) { refuse(error, then); });
  }

  // The row of an act that is done. before and after: differences(); an act that makes or ends something has one alone.
  store::AuditRow row(const Act& act, std::string_view action, const Object& object, std::string before,
                      std::string after);
  // The row of a change; with no action where nothing differs.
  store::AuditRow row(const Act& act, std::string_view action, const Object& object, const Snapshot& before,
                      const Snapshot& after);

  // An act that was refused, and why (one word or two, no content).
  void refused(const Act& act, std::string_view action, const Object& object, std::string_view why);
  // Writes what was counted in minutes that are over; nullopt: all, at the server's end.
  void flush(std::optional<WallTime> now);

 private:
  struct Line;

  void enter(std::function<void(const std::shared_ptr<Line>&)> act, const std::function<void(const Error&)>& refused);
  static void next(const std::shared_ptr<Line>& line);
  void write(std::vector<store::AuditRow> rows);

  template <class T>
  void ask(const std::shared_ptr<Line>& line, Deed<T> deed, Then<T> then) {
    store_.ask(
        [job = std::move(deed.job), row = std::move(deed.row)](store::Store& store) -> Expected<T> {
          Expected<T> given = fail(Errc::internal, "nothing was done");
          auto done = store.together([&]() -> Expected<void> {
            if (auto mine = store.take_turn(); !mine) return mine;
            given = job(store);
            if (!given) return std::unexpected(given.error());
            return row.action.empty() ? Expected<void>() : store.add_audit(row);
          });
          if (!done) return std::unexpected(done.error());
          return given;
        },
        Then<T>([weak = std::weak_ptr(line), effect = std::move(deed.effect), then](Expected<T> given) {
          const auto still = weak.lock();
          if (!still) return;
          if (given && effect) effect(*given);
          next(still);
          then(std::move(given));
        }));
  }

  template <class T>
  void hand_back(const std::shared_ptr<Line>& line, std::unexpected<Error> error, Then<T> then) {
    store_.ask([error](store::Store&) { return Expected<T>(error); },
               Then<T>([weak = std::weak_ptr(line), then](Expected<T> given) {
                 const auto still = weak.lock();
                 if (!still) return;
                 next(still);
                 then(std::move(given));
               }));
  }

  template <class T>
  void refuse(const Error& error, Then<T> then) {
    store_.ask([error](store::Store&) { return Expected<T>(std::unexpected(error)); }, std::move(then));
  }

  store::StoreThread& store_;
  Random& random_;
  WallTime last_;               // the last row's time
  std::shared_ptr<Line> line_;  // answers under way hold it weakly
};

}  // namespace faelled::members
