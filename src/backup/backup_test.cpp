#include "backup/backup.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <set>

#include "base/limits.hpp"
#include "crypto/master_key.hpp"
#include "ledger/journal.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace faelled::backup {
namespace {

namespace fs = std::filesystem;

constexpr const char* passphrase = "correct horse battery staple";

void quiet(std::string_view, std::uint64_t) {}

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

ledger::UsageRow row(int number) {
  ledger::UsageRow out;
  out.request_id = "req_" + std::to_string(number);
  out.member = "demo";
  out.caller = out.key = "key_1";
  out.model = "small";
  out.started_at = ManualClock().wall() + std::chrono::seconds(number);
  out.output_tokens = static_cast<std::uint32_t>(number);
  out.outcome = ledger::Outcome::done;
  return out;
}

// A data folder as a server leaves it: rows 0–9 in the ledger, 10–14 closed and 15 open in the journal alone.
class Backup : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "faelled-backup-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    data_ = folder_ / "data";
    file_ = folder_ / "backup.faelled";
    fs::create_directory(data_);
    ASSERT_TRUE(crypto::create_master_key(data_ / "master.key", random_));
    write(folder_ / "faelled.yaml", "models: []\n");
    auto store = store::open_sqlite_store(data_ / "faelled.db");
    ASSERT_TRUE(store);
    ASSERT_TRUE((*store)->add_member({"demo", "Demo Kommune", ManualClock().wall()}));
    ledger::Journal::Options options;
    options.folder = data_ / "journal";
    options.segment_bytes = 64 * 1024;
    auto journal = ledger::Journal::open(std::move(options));
    ASSERT_TRUE(journal);
    const auto pass = [&](int from, int to) {
      for (int i = from; i < to; ++i) (*journal)->closed(std::move(*(*journal)->opened(row(i))), row(i));
    };
    pass(0, 10);
    auto batch = (*journal)->read({}, 1000);
    ASSERT_TRUE(batch && batch->closed.size() == 10);
    ASSERT_TRUE((*store)->add_usage(batch->closed, batch->next));
    pass(10, 15);
    left_open_ = std::move(*(*journal)->opened(row(15)));
    journal_ = std::move(*journal);  // a running server's
    options_ = {data_, folder_ / "faelled.yaml", file_, passphrase, "0.1.0"};
  }
  void TearDown() override {
    journal_.reset();
    fs::remove_all(folder_);
  }

  Expected<Made> make() { return backup::make(options_, ManualClock().wall(), random_, quiet); }
  Errc refusal(std::string_view with = passphrase) {
    auto restored = restore(file_, folder_ / "again", std::string(with), quiet);
    EXPECT_FALSE(restored);
    EXPECT_FALSE(fs::exists(folder_ / "again")) << "nothing half-restored stays";
    EXPECT_FALSE(fs::exists(folder_ / "again.restoring"));
    return restored ? Errc::internal : restored.error().code;
  }

  SeededRandom random_{7};
  fs::path folder_, data_, file_;
  Options options_;
  std::unique_ptr<ledger::Journal> journal_;
  ledger::Opening left_open_;
};

TEST_F(Backup, BringsStoreJournalAndKeysOntoAnEmptyHost) {
  auto made = make();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->bytes, fs::file_size(file_));
  auto restored = restore(file_, folder_ / "again", passphrase, quiet);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->heading, (Heading{"0.1.0", ManualClock().wall(), true}));
  EXPECT_EQ(bytes_of(folder_ / "again/master.key"), bytes_of(data_ / "master.key"));
  EXPECT_EQ(bytes_of(folder_ / "again/faelled.yaml"), "models: []\n");
  auto store = store::open_sqlite_store(folder_ / "again/faelled.db");
  ASSERT_TRUE(store);
  EXPECT_EQ((*store)->members()->size(), 1U);
  auto page = (*store)->usage_rows({}, "", 100);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->rows.size(), 16U);
  for (int i = 0; i < 15; ++i) EXPECT_EQ(page->rows[static_cast<std::size_t>(i)], row(i));
  EXPECT_EQ(page->rows[15].request_id, "req_15");
  EXPECT_EQ(page->rows[15].outcome, ledger::Outcome::failed) << "its end was not there when the backup was made";
}

TEST_F(Backup, ARestoredFolderTakesNewRequestsIntoItsLedger) {
  ASSERT_TRUE(make());
  ASSERT_TRUE(restore(file_, folder_ / "again", passphrase, quiet));
  auto store = store::open_sqlite_store(folder_ / "again/faelled.db");
  ledger::Journal::Options options;
  options.folder = folder_ / "again/journal";
  options.consumed = *(*store)->journal_position();
  auto journal = ledger::Journal::open(std::move(options));
  ASSERT_TRUE(journal);
  (*journal)->closed(std::move(*(*journal)->opened(row(99))), row(99));
  auto batch = (*journal)->read(*(*store)->journal_position(), 1000);
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->closed.size(), 1U);
  EXPECT_EQ(batch->closed[0], row(99));
}

TEST_F(Backup, TheFolderItWasMadeFromStaysAsItWasButForANote) {
  const auto listing = [&] {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(data_)) names.insert(entry.path().filename());
    for (const char* ours : {"faelled.db-wal", "faelled.db-shm", "last_backup.json"}) names.erase(ours);
    return names;
  };
  const auto before = listing();
  ASSERT_TRUE(make());
  EXPECT_EQ(listing(), before);
  EXPECT_TRUE(bytes_of(data_ / "last_backup.json").contains("\"keys\":true"));
  struct stat info{};
  ASSERT_EQ(::stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(Backup, ReadsAsNothingWithoutItsPassphrase) {
  ASSERT_TRUE(make());
  const std::string bytes = bytes_of(file_);
  EXPECT_FALSE(bytes.contains("Demo Kommune"));
  EXPECT_FALSE(bytes.contains(bytes_of(data_ / "master.key").substr(0, 20)));
  EXPECT_EQ(refusal("another passphrase altogether"), Errc::invalid);
  EXPECT_EQ(refusal(""), Errc::unauthorized);
}

TEST_F(Backup, WithoutKeysHoldsNeitherMasterKeyNorConfiguration) {
  options_.passphrase.clear();
  ASSERT_TRUE(make());
  auto restored = restore(file_, folder_ / "again", "", quiet);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_FALSE(restored->heading.keys);
  EXPECT_FALSE(fs::exists(folder_ / "again/master.key"));
  EXPECT_FALSE(fs::exists(folder_ / "again/faelled.yaml"));
}

// Whoever names a passphrase trusts what it seals. A file that is sealed with none can be anybody's.
TEST_F(Backup, OfAStrangerDoesNotOpenWithOurPassphrase) {
  options_.passphrase.clear();
  ASSERT_TRUE(make());
  EXPECT_EQ(refusal(passphrase), Errc::invalid);
  EXPECT_EQ(check(file_, passphrase, quiet).error().code, Errc::invalid);
  ASSERT_TRUE(check(file_, "", quiet));
}

TEST_F(Backup, ThatSaysItHoldsNoKeysHoldsNone) {
  for (const char* name : {"master.key", "faelled.yaml"}) {
    fs::remove(file_);
    auto archive = ArchiveWriter::create(file_, {"0.1.0", ManualClock().wall(), false}, "", random_);
    ASSERT_TRUE(archive);
    ASSERT_TRUE(archive->add("faelled.db", data_ / "faelled.db"));
    ASSERT_TRUE(archive->add(name, data_ / "master.key"));
    ASSERT_TRUE(archive->finish());
    EXPECT_EQ(refusal(""), Errc::invalid) << name;
  }
}

// Invariant: a backup is whole or refused
TEST_F(Backup, WithAnyBitTurnedIsRefused) {
  options_.passphrase.clear();  // scrypt a hundred times would say no more
  ASSERT_TRUE(make());
  const std::string whole = bytes_of(file_);
  for (int i = 0; i < 200; ++i) {
    // The first lines bit by bit, the rest by chance.
    const std::size_t at = i < 120 ? static_cast<std::size_t>(i) : random_.below(whole.size());
    std::string turned = whole;
    turned[at] = static_cast<char>(turned[at] ^ (1 << random_.below(8)));
    write(file_, turned);
    auto checked = check(file_, "", quiet);
    EXPECT_FALSE(checked) << "byte " << at << " of " << whole.size();
  }
}

TEST_F(Backup, CutOffOrLongerAnywhereIsRefused) {
  options_.passphrase.clear();
  ASSERT_TRUE(make());
  const std::string whole = bytes_of(file_);
  for (int i = 0; i < 50; ++i) {
    write(file_, whole.substr(0, random_.below(whole.size())));
    EXPECT_FALSE(check(file_, "", quiet));
  }
  write(file_, whole + "x");
  EXPECT_EQ(refusal(""), Errc::invalid);
  write(file_, whole + whole);
  EXPECT_EQ(refusal(""), Errc::invalid);
}

TEST_F(Backup, OfANewerVersionSaysSo) {
  ASSERT_TRUE(make());
  std::string bytes = bytes_of(file_);
  bytes.replace(0, bytes.find('\n'), "faelled-backup 2");
  write(file_, bytes);
  EXPECT_EQ(refusal(), Errc::incompatible);
  write(file_, "PK\x03\x04 something else");
  EXPECT_EQ(refusal(), Errc::invalid);
}

TEST_F(Backup, OfANewerSchemaIsRefusedBeforeAnythingIsThere) {
  {
    auto other = data_ / "faelled.db";
    // user_version stands at byte 60 of a SQLite file, big-endian (sqlite.org/fileformat2.html, section 1.3).
    auto store = store::open_sqlite_store(other);
    ASSERT_TRUE(store);
  }
  std::fstream db(data_ / "faelled.db", std::ios::in | std::ios::out | std::ios::binary);
  db.seekp(62);
  db.put(0x7f);
  db.close();
  ASSERT_TRUE(make());
  EXPECT_EQ(refusal(), Errc::incompatible);
}

TEST_F(Backup, ARestoreOverwritesNothing) {
  ASSERT_TRUE(make());
  auto restored = restore(file_, data_, passphrase, quiet);
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, Errc::exists);
}

TEST_F(Backup, IsRestoredIntoAnEmptyFolderThatStaysTheOneItIs) {
  ASSERT_TRUE(make());
  const fs::path mount = folder_ / "mount", empty = mount / "empty";
  fs::create_directories(empty);
  fs::permissions(empty, fs::perms::owner_all | fs::perms::group_exec);
  EXPECT_EQ(restore(file_, empty / "", "wrong", quiet).error().code, Errc::invalid);
  EXPECT_TRUE(fs::is_empty(empty)) << "a passphrase that is wrong costs nothing";
  fs::create_directory(empty / ".restoring");
  std::ofstream(empty / ".restoring" / "faelled.db") << "of a run that was cut off";
  journal_.reset();  // and its thread
  const pid_t child = ::fork();
  if (child == 0) {
    // Its owner makes no folders beside it.
    if (::geteuid() == 0) {
      for (const fs::path& each : {empty, empty / ".restoring", file_})
        if (::chown(each.c_str(), 65534, 65534) != 0) ::_exit(2);
      fs::permissions(folder_, fs::perms::others_exec, fs::perm_options::add);
      if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(3);
    } else {
      fs::permissions(mount, fs::perms::owner_read | fs::perms::owner_exec);
    }
    const auto restored = restore(file_, empty / "", passphrase, quiet);
    if (!restored) std::fprintf(stderr, "%s\n", restored.error().message.c_str());
    ::_exit(restored ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  fs::permissions(mount, fs::perms::owner_all);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(fs::exists(empty / "faelled.db") && fs::exists(empty / "master.key"));
  EXPECT_FALSE(fs::exists(empty / ".restoring"));
  EXPECT_EQ(bytes_of(empty / "faelled.yaml"), "models: []\n");
  EXPECT_EQ(fs::status(empty).permissions(), fs::perms::owner_all | fs::perms::group_exec);
}

TEST_F(Backup, IsNotWrittenOverAnother) {
  ASSERT_TRUE(make());
  auto second = make();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::exists);
}

TEST_F(Backup, WhatAKilledRunLeftDoesNotStandInTheWay) {
  write(file_.string() + ".part", "the beginning of one");
  fs::create_directory(data_ / "backup.new");
  write(data_ / "backup.new/faelled.db", "the beginning of another");
  const auto made = make();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE(fs::exists(file_.string() + ".part"));
  EXPECT_TRUE(backup::check(file_, passphrase, quiet));
}

TEST_F(Backup, StoppedWhileItIsWrittenLeavesNothing) {
  Options options = options_;
  bool had_its_name = false, had_another = false;
  options.stopped = [&] {
    had_its_name = fs::exists(file_);
    had_another = fs::exists(file_.string() + ".part");
    return true;
  };
  const auto stopped = backup::make(options, ManualClock().wall(), random_, quiet);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
  EXPECT_FALSE(had_its_name) << "it is called so only when it is whole";
  EXPECT_TRUE(had_another);
  for (const auto& left : {file_, fs::path(file_.string() + ".part"), data_ / "backup.new"})
    EXPECT_FALSE(fs::exists(left)) << left;
  EXPECT_TRUE(make());
}

TEST_F(Backup, WritesIntoNoFileOfAnothers) {
  write(folder_ / "mine", "precious");
  fs::create_symlink(folder_ / "mine", file_.string() + ".part");
  EXPECT_FALSE(make());
  fs::remove(file_.string() + ".part");
  fs::create_hard_link(folder_ / "mine", file_.string() + ".part");
  EXPECT_FALSE(make());
  EXPECT_EQ(fs::file_size(folder_ / "mine"), 8U);
  EXPECT_TRUE(fs::exists(file_.string() + ".part")) << "it is not ours to remove";
}

TEST_F(Backup, OfNoServersFolderSaysSoAndLeavesNoFile) {
  options_.data = folder_ / "nothing";
  fs::create_directory(options_.data);
  auto made = make();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::not_found);
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(Backup, ChecksWithoutLeavingAnything) {
  ASSERT_TRUE(make());
  bool looked = false;
  auto checked = check(file_, passphrase, [&](std::string_view doing, std::uint64_t) {
    if (doing != "ledger") return;  // it is unpacked
    looked = true;
    EXPECT_TRUE(fs::exists(file_.string() + ".checking/faelled.db"));
    EXPECT_FALSE(fs::exists(file_.string() + ".checking/master.key")) << "no key in the clear where backups lie";
    EXPECT_FALSE(fs::exists(file_.string() + ".checking/faelled.yaml"));
  });
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_TRUE(looked);
  EXPECT_EQ(checked->heading.version, "0.1.0");
  EXPECT_FALSE(fs::exists(file_.string() + ".checking"));
}

TEST_F(Backup, AnEntryCannotLeaveItsFolder) {
  for (const char* name : {"../x", "/etc/passwd", "journal/../../x", "journal/", "journal/x", "journal/0a/../x",
                           "journal/00.journal/x", "faelled.db/x", "FAELLED.DB", "", ".", "lock", "journal/0.JOURNAL"})
    EXPECT_FALSE(is_entry_name(name)) << name;
  EXPECT_TRUE(is_entry_name("journal/000000000000001f.journal"));
  const fs::path evil = folder_ / "evil";
  auto archive = ArchiveWriter::create(file_, {"0.1.0", ManualClock().wall(), false}, "", random_);
  ASSERT_TRUE(archive);
  write(evil, "evil");
  ASSERT_TRUE(archive->add("../evil-was-here", evil));
  ASSERT_TRUE(archive->finish());
  EXPECT_EQ(refusal(""), Errc::invalid);
  EXPECT_FALSE(fs::exists(folder_ / "evil-was-here"));
}

}  // namespace
}  // namespace faelled::backup
