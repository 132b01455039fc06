// Retention: erases conversations in which nobody has said anything for longer than their member keeps them. A bounded
// number in one run, so that the store is never held up; the next run goes on with the member after the last one.
// Owned by main(); loop's thread.
#pragma once

#include <functional>
#include <string>

#include "members/directory.hpp"
#include "store/store_thread.hpp"

namespace faelled::members {

class Retention {
 public:
  Retention(Directory& directory, store::StoreThread& store) : directory_(directory), store_(store) {}

  // `then` gets how many went: limits::retention_rows_max says that there may be more. Of each member that lost some
  // there is an audit row. Errors: the store's; what was erased before it stays erased.
  void run(WallTime now, std::function<void(Expected<std::size_t>)> then);

 private:
  struct Due {
    std::string member;
    WallTime before;
    store::AuditRow row;  // its `after` is written when the number is known
  };

  Directory& directory_;
  store::StoreThread& store_;
  std::string last_;  // the member that the last run ended with
};

}  // namespace faelled::members
