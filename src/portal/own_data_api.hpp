// What a person deletes, gets back and takes out of their own; what was deleted long enough ago is erased. Of the
// Portal; loop's thread.
#pragma once

#include "base/limits.hpp"
#include "net/timer.hpp"
#include "portal/desk.hpp"
#include "portal/turns.hpp"
#include "store/ledger.hpp"

namespace faelled::portal {

class OwnDataApi {
 public:
  struct Settings {
    std::chrono::seconds undo_max = limits::conversation_undo_max;  // a deleted conversation can come back
    Duration erase_every = limits::conversation_erase_every;
  };

  OwnDataApi(Desk& desk, Turns& turns, store::Ledger& ledger, Settings settings);

  net::Task<void> list_deleted(Call& call);
  net::Task<void> restore_conversation(Call& call);
  net::Task<void> delete_everything(Call& call);
  net::Task<void> restore_everything(Call& call);
  net::Task<void> export_everything(Call& call);

  // At the server's end: nothing more is erased.
  void stop_erasing();

 private:
  net::Task<void> erase_deleted();

  Desk& desk_;
  Turns& turns_;
  store::Ledger& ledger_;
  const Settings settings_;
  net::Timer eraser_;
  bool stopped_ = false;
};

}  // namespace faelled::portal
