#include "fetch/folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <mutex>

#include "fetch/fetching_testing.hpp"

namespace faelled::fetch {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::string git_id_of(const std::string& text) {
  crypto::RunningGitBlob git(text.size());
  git.add(std::as_bytes(std::span(text)));
  return crypto::hex(git.finish());
}

// A hub with one repository, and a folder to fetch it into. What lies in `large` is kept elsewhere, as by LFS.
struct FolderOfAHub : testing::Test {
  fs::path folder;
  std::string commit = std::string(40, 'a');
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> sent;  // in place of what is listed
  std::map<std::string, std::size_t> cut;   // so many bytes of it come, then the line breaks, once
  std::map<std::string, std::string> status;
  std::string listing;  // in place of the true one
  std::string listing_status = "200 OK";
  std::string etag = "\"v1\"";
  std::string store;                        // where large files are sent on to
  std::map<std::string, std::string> page;  // comes whole in place of a file, whatever part was asked for
  std::mutex mutex;
  Settings settings;
  Progress progress;
  Server server{[this](const Asked& asked) {
    const std::lock_guard lock(mutex);
    return answer(asked);
  }};

  FolderOfAHub() {
    std::string name = (fs::temp_directory_path() / "faelled-folder-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    settings.folder = folder / "models";
    settings.keep_free = 0;
    settings.hub = server.url();
    files["config.json"] = R"({"architectures":["Small"]})";
    files["tokenizer.json"] = "{}";
    files["README.md"] = "read me";
    files["model-00001-of-00002.safetensors"] = std::string(100'000, 'x');
    files["model-00002-of-00002.safetensors"] = std::string(50'000, 'y');
  }
  ~FolderOfAHub() override { fs::remove_all(folder); }

  static bool is_large(const std::string& name) { return name.ends_with(".safetensors"); }

  std::string listed() const {
    std::string all;
    for (const auto& [name, content] : files) {
      const std::string size = std::to_string(content.size());
      all += (all.empty() ? "" : ",") + (R"({"rfilename":")" + name + R"(","size":)" + size + R"(,"blobId":")") +
             git_id_of(content) + "\"";
      if (is_large(name))
        all += R"(,"lfs":{"sha256":")" + crypto::hex(crypto::sha256(content)) + R"(","size":)" + size + "}";
      all += "}";
    }
    return R"({"sha":")" + commit + R"(","siblings":[)" + all + "]}";
  }

  Reply answer(const Asked& asked) {
    const Reply nothing{"HTTP/1.1 404 Not Found\r\nContent-Length: 0", ""};
    for (const std::string& revision : {std::string("main"), commit}) {
      if (asked.path != "/api/models/o/r/revision/" + revision + "?blobs=true") continue;
      const std::string text = listing.empty() ? listed() : listing;
      return {"HTTP/1.1 " + listing_status + "\r\nContent-Length: " + std::to_string(text.size()), text};
    }
    const std::string start = "/o/r/resolve/" + commit + "/";
    if (!asked.path.starts_with(start)) return nothing;
    const std::string name = asked.path.substr(start.size());
    if (status.contains(name)) return {"HTTP/1.1 " + status[name] + "\r\nRetry-After: 7\r\nContent-Length: 0", ""};
    if (!files.contains(name)) return nothing;
    if (page.contains(name))
      return {"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(page[name].size()), page[name]};
    if (!store.empty() && is_large(name))
      return {"HTTP/1.1 302 Found\r\nLocation: " + store + "/" + name + "\r\nContent-Length: 0", ""};
    Reply reply = file(asked, sent.contains(name) ? sent[name] : files[name], etag);
    if (const auto least = cut.find(name); least != cut.end()) {
      reply.body.resize(std::min(reply.body.size(), least->second));
      cut.erase(least);
    }
    return reply;
  }

  Source source(const std::string& text = "hf:o/r") const { return parse_source(text).value(); }
  auto get(const std::string& text = "hf:o/r") { return fetch({source(text), {}}, settings, progress); }
  // The second shard breaks off after 20,000 of its 50,000 bytes.
  void break_off() {
    cut["model-00002-of-00002.safetensors"] = 20'000;
    ASSERT_FALSE(get());
  }
  // Fetches what is left after that, and no byte twice.
  void go_on() {
    Progress again;
    ASSERT_TRUE(fetch({source(), {}}, settings, again));
    EXPECT_EQ(again.fetched.load(), 30'000U);
  }
  std::vector<std::string> names(const fs::path& of) const {
    std::vector<std::string> all;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(of, none))
      if (!entry.path().string().ends_with(".hash")) all.push_back(entry.path().filename());
    std::ranges::sort(all);
    return all;
  }
  // Names of the files that were asked for, in order.
  std::vector<std::string> asked_for() const {
    std::vector<std::string> all;
    for (const Asked& asked : server.asked())
      if (asked.path.contains("/resolve/")) all.push_back(asked.path.substr(asked.path.rfind('/') + 1));
    return all;
  }
  std::string read(const fs::path& path) const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST_F(FolderOfAHub, ComesWholeWithWhatAnEngineReads) {
  const auto fetched = get();
  ASSERT_TRUE(fetched) << fetched.error().in_words();
  EXPECT_EQ(fetched->file.filename(), crypto::hex(fetched->sha256) + "-r.folder");
  EXPECT_THAT(names(fetched->file), ElementsAre("config.json", "model-00001-of-00002.safetensors",
                                                "model-00002-of-00002.safetensors", "tokenizer.json"));
  for (const std::string& name : names(fetched->file)) EXPECT_EQ(read(fetched->file / name), files[name]) << name;
  EXPECT_EQ(names(settings.folder).size(), 1U) << "nothing half-written is left";
  EXPECT_EQ(fs::status(fetched->file).permissions() & fs::perms(077), fs::perms::none);
  const std::uint64_t bytes = 150'000 + files["config.json"].size() + files["tokenizer.json"].size();
  EXPECT_EQ(fetched->bytes, bytes);
  EXPECT_EQ(progress.total.load(), bytes);
  EXPECT_EQ(progress.bytes.load(), bytes);
  EXPECT_EQ(progress.fetched.load(), bytes);
}

TEST_F(FolderOfAHub, IsKeptToItsFirstCommit) {
  ASSERT_TRUE(get());
  const std::size_t asked = server.asked().size();
  commit = std::string(40, 'b');
  files["config.json"] += " ";
  ASSERT_TRUE(get());
  EXPECT_EQ(server.asked().size(), asked) << "what is here needs no hub";
}

TEST_F(FolderOfAHub, IsSharedByAllThatHoldTheSame) {
  const auto one = get();
  const auto two = get("hf:o/r@" + commit);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->file, two->file);
  EXPECT_EQ(asked_for().size(), 4U);
}

TEST_F(FolderOfAHub, GoesOnFileByFile) {
  cut["model-00002-of-00002.safetensors"] = 20'000;
  const auto broken = get();
  ASSERT_FALSE(broken);
  EXPECT_TRUE(broken.error().retries()) << broken.error().in_words();
  EXPECT_EQ(progress.bytes.load(), progress.total.load() - 30'000) << "the sum over all files";
  EXPECT_EQ(names(settings.folder).size(), 1U);
  EXPECT_TRUE(names(settings.folder)[0].ends_with("-r.folder.part"));
  go_on();
  EXPECT_EQ(server.asked().back().from(), 20'000U);
  EXPECT_EQ(names(settings.folder).size(), 1U);
}

TEST_F(FolderOfAHub, DoesNotMixTwoCommitsOfABranchThatMoves) {
  cut["model-00001-of-00002.safetensors"] = 20'000;
  ASSERT_FALSE(get());
  const std::string first = commit;
  const auto before = files;
  {
    const std::lock_guard lock(mutex);
    commit = std::string(40, 'b');
    files["model-00001-of-00002.safetensors"] = std::string(100'000, 'z');
  }
  const auto gone = get();
  ASSERT_FALSE(gone) << "this hub has forgotten the first commit";
  EXPECT_EQ(gone.error().fault, Fault::wrong);
  EXPECT_THAT(gone.error().in_words(), HasSubstr(first));
  EXPECT_TRUE(names(settings.folder).empty());
  const auto anew = get();
  ASSERT_TRUE(anew) << anew.error().in_words();
  EXPECT_EQ(read(anew->file / "model-00001-of-00002.safetensors"), std::string(100'000, 'z'));
}

TEST_F(FolderOfAHub, GoesOnThoughEachStoreHasAnETagOfItsOwn) {
  break_off();
  etag = "\"of another store\"";
  go_on();
}

TEST_F(FolderOfAHub, KeepsItsPartsWhereAPageComesInTheirPlace) {
  break_off();
  page["model-00002-of-00002.safetensors"] = "<html>sign in</html>";
  const auto other = get();
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().fault, Fault::later) << other.error().in_words();
  page.clear();
  go_on();
}

TEST_F(FolderOfAHub, KeepsWhatCameWhereNobodyIsShownTheRepository) {
  break_off();
  listing_status = "404 Not Found";
  const auto hidden = get();
  ASSERT_FALSE(hidden);
  EXPECT_EQ(hidden.error().fault, Fault::refused) << hidden.error().in_words();
  EXPECT_THAT(hidden.error().message, HasSubstr("no such file"));
  listing_status = "200 OK";
  go_on();
}

TEST_F(FolderOfAHub, GoesOnWhenADiskIsNoLongerFull) {
  break_off();
  std::expected<Fetched, Failure> full;
  {
    const FullDisk disk;
    full = get();
  }
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().fault, Fault::no_room) << full.error().in_words();
  EXPECT_THAT(full.error().message, HasSubstr("00002-of-00002.safetensors.part")) << "what is noted is not noted again";
  EXPECT_TRUE(get());
  fs::remove_all(settings.folder);
  {
    const FullDisk disk;
    full = get();
  }
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().fault, Fault::no_room) << "not even the note could be written";
}

TEST_F(FolderOfAHub, ThatListsOtherFilesOfTheSameCommitIsNotBelieved) {
  cut["model-00001-of-00002.safetensors"] = 20'000;
  ASSERT_FALSE(get());
  files["config.json"] = R"({"architectures":["Other"]})";
  const auto other = get();
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().fault, Fault::wrong);
  EXPECT_TRUE(names(settings.folder).empty());
}

// Invariant: the file that was ordered
TEST_F(FolderOfAHub, KeepsNothingOfAnotherFile) {
  for (const char* name : {"config.json", "model-00002-of-00002.safetensors"}) {
    fs::remove_all(settings.folder);
    sent = {{name, std::string(files[name].size(), 'z')}};
    const auto lied = get();
    ASSERT_FALSE(lied) << name;
    EXPECT_EQ(lied.error().fault, Fault::wrong) << lied.error().in_words();
    EXPECT_THAT(lied.error().message, HasSubstr(name));
    ASSERT_EQ(names(settings.folder).size(), 1U);
    const fs::path parts = settings.folder / names(settings.folder)[0];
    EXPECT_TRUE(parts.string().ends_with(".part")) << "it has no name yet";
    for (const std::string& kept : names(parts)) EXPECT_FALSE(kept.starts_with(name)) << kept;
  }
  sent.clear();
  const auto right = get();
  ASSERT_TRUE(right) << right.error().in_words();
  EXPECT_EQ(std::ranges::count(asked_for(), "model-00001-of-00002.safetensors"), 1) << "what was right stays";
}

TEST_F(FolderOfAHub, ThatLiesAboutASizeIsRefused) {
  for (const int more : {-1, 1}) {
    sent["tokenizer.json"] = std::string(static_cast<std::size_t>(2 + more), ' ');
    const auto lied = get();
    ASSERT_FALSE(lied);
    EXPECT_EQ(lied.error().fault, Fault::wrong);
    EXPECT_THAT(lied.error().message, HasSubstr("the hub says 2"));
  }
}

TEST_F(FolderOfAHub, SaysWhatTheHubRefuses) {
  struct Row {
    const char* status;
    Fault fault;
    const char* word;
  };
  for (const Row& row : {Row{"404 Not Found", Fault::refused, "no such file"},
                         {"401 No", Fault::refused, "who we are"},
                         {"403 Forbidden", Fault::refused, "downloads.token_file"},
                         {"429 Slow", Fault::later, "busy"},
                         {"503 Busy", Fault::later, "503"}}) {
    listing_status = row.status;
    const auto refused = get();
    ASSERT_FALSE(refused) << row.status;
    EXPECT_EQ(refused.error().fault, row.fault) << row.status;
    EXPECT_THAT(refused.error().in_words(), HasSubstr(row.word)) << row.status;
    listing_status = "200 OK";
    status = {{"config.json", row.status}};
    const auto file = get();
    ASSERT_FALSE(file) << row.status;
    EXPECT_EQ(file.error().fault, row.fault) << row.status;
    EXPECT_THAT(file.error().in_words(), HasSubstr(row.word)) << row.status;
    if (row.fault == Fault::later) EXPECT_EQ(file.error().retry_after, 7s);
    status.clear();
    fs::remove_all(settings.folder);
  }
}

TEST_F(FolderOfAHub, IsToldToHaveNoRoomBeforeItsFirstByte) {
  settings.keep_free = 1ULL << 60U;
  EXPECT_THAT(look_at({source(), {}}, settings, progress.stop)->why_no_room, HasSubstr("stay free"));
  const auto full = get();
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().fault, Fault::no_room);
  EXPECT_TRUE(full.error().retries());
  EXPECT_TRUE(asked_for().empty());
  EXPECT_GT(progress.total.load(), 150'000U) << "how large it is, is known";
}

TEST_F(FolderOfAHub, IsLookedAtBeforehand) {
  const auto found = look_at_folder(source(), settings, progress.stop);
  ASSERT_TRUE(found) << found.error().in_words();
  EXPECT_EQ(found->listing.commit, commit);
  EXPECT_EQ(found->found.why_no_room, "");
  EXPECT_TRUE(names(folder).empty());
  const ListedFile& config = *found->listing.find("config.json");
  const auto text = read_listed(source(), found->listing, config, 1000, settings, progress.stop);
  EXPECT_EQ(text.value(), files["config.json"]);
  EXPECT_FALSE(read_listed(source(), found->listing, config, 10, settings, progress.stop));
  sent["config.json"] = "{}";
  EXPECT_EQ(read_listed(source(), found->listing, config, 1000, settings, progress.stop).error().fault, Fault::wrong);
  const auto fetched = get();
  ASSERT_FALSE(fetched);
  sent.clear();
  EXPECT_EQ(get()->sha256, found->found.sha256);
}

TEST_F(FolderOfAHub, DoesNotComeOffline) {
  settings.offline = true;
  const auto refused = get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::refused);
  EXPECT_THAT(refused.error().hint, HasSubstr("in folder in place of source"));
  EXPECT_FALSE(look_at({source(), {}}, settings, progress.stop));
  EXPECT_TRUE(server.asked().empty());
  settings.offline = false;
  ASSERT_TRUE(get());
  settings.offline = true;
  EXPECT_TRUE(get()) << "what is here needs no hub";
}

TEST_F(FolderOfAHub, ThatAnswersWithAnotherCommitThanTheOneNamedIsNotBelieved) {
  listing = listed();
  commit = std::string(40, 'b');
  const auto lied = get("hf:o/r@" + commit);
  ASSERT_FALSE(lied);
  EXPECT_EQ(lied.error().fault, Fault::wrong);
  EXPECT_THAT(lied.error().message, HasSubstr(commit));
}

TEST_F(FolderOfAHub, WritesThroughNoLinkAndLeavesNothingElseInIt) {
  cut["tokenizer.json"] = 1;
  ASSERT_FALSE(get());
  const fs::path parts = settings.folder / names(settings.folder)[0];
  std::ofstream(folder / "outside") << "untouched";
  fs::remove(parts / "tokenizer.json.part");
  fs::create_symlink(folder / "outside", parts / "model-00001-of-00002.safetensors.part");
  std::ofstream(parts / "left.py") << "code";
  EXPECT_FALSE(get()) << "a link among the parts is not followed";
  EXPECT_EQ(read(folder / "outside"), "untouched");
  fs::remove(parts / "model-00001-of-00002.safetensors.part");
  const auto fetched = get();
  ASSERT_TRUE(fetched) << fetched.error().in_words();
  EXPECT_EQ(names(fetched->file).size(), 4U);
}

TEST_F(FolderOfAHub, GoesFromTheDepotWithAllThatIsInIt) {
  const auto fetched = get();
  ASSERT_TRUE(fetched);
  const Depot depot(settings.folder);
  ASSERT_EQ(depot.files().size(), 1U);
  EXPECT_EQ(depot.files()[0].bytes, fetched->bytes);
  EXPECT_EQ(depot.remembered_commit(source()), commit);
  depot.remove(fetched->sha256);
  EXPECT_TRUE(names(settings.folder).empty());
  cut["config.json"] = 1;
  ASSERT_FALSE(get());
  depot.remove_parts(fetched->sha256);
  EXPECT_TRUE(names(settings.folder).empty());
}

TEST_F(FolderOfAHub, IsAskedForWithTheTokenOnTheHubAlone) {
  settings.manners.token = "hunter2";
  settings.manners.token_origin = server.url();
  Server elsewhere([&](const Asked& asked) { return file(asked, files[asked.path.substr(1)]); });
  store = elsewhere.url();
  ASSERT_TRUE(get());
  for (const Asked& asked : server.asked()) EXPECT_TRUE(asked.says("authorization: bearer hunter2")) << asked.path;
  EXPECT_EQ(elsewhere.asked().size(), 2U);
  for (const Asked& asked : elsewhere.asked()) EXPECT_FALSE(asked.says("hunter2")) << asked.path;
}

}  // namespace
}  // namespace faelled::fetch
