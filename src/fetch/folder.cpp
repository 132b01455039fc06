#include "fetch/folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "base/folder.hpp"
#include "base/limits.hpp"
#include "base/whole_file.hpp"
#include "fetch/part.hpp"

namespace faelled::fetch {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t block_bytes = 256 * 1024;

Failure offline() {
  return {Fault::refused, "nothing is fetched here: downloads.offline is true",
          "copy the model's folder here yourself, and name it in folder in place of source"};
}

// The content of a small answer; more than `bytes_max` is refused.
std::expected<std::string, Failure> text_at(const std::string& url, std::size_t bytes_max, const Settings& settings,
                                            const std::atomic<bool>& stop, int* status = nullptr) {
  Transfer transfer(settings.manners, stop);
  Question question;
  question.url = url;
  question.within = limits::fetch_question_max;
  std::string text;
  bool too_long = false;
  const auto answer = transfer.ask(
      question, [](const Answer&) { return true; },
      [&](std::span<const std::byte> piece) {
        too_long = text.size() + piece.size() > bytes_max;
        if (!too_long) text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        return !too_long;
      });
  if (!answer) return std::unexpected(answer.error());
  if (status != nullptr) *status = answer->status;
  if (answer->status != 200) return std::unexpected(failure_of(*answer));
  if (too_long) return std::unexpected(Failure{Fault::refused, shown(url) + " is larger than any model's", {}});
  return text;
}

std::expected<Listing, Failure> listing_of(const Source& source, const std::string& revision, const Settings& settings,
                                           const std::atomic<bool>& stop, bool* gone = nullptr) {
  int status = 0;
  const auto text =
      text_at(listing_url_of(source, revision, settings.hub), limits::model_index_bytes_max, settings, stop, &status);
  if (!text) {
    Failure failure = text.error();
    const bool nothing = status == 404 || status == 410;
    if (nothing) failure.message += " (repository " + source.repository + ", revision " + revision + ")";
    if (gone != nullptr) *gone = nothing;
    return std::unexpected(std::move(failure));
  }
  json::Document document;
  auto listing = read_listing(*text, source, document);
  if (listing && is_commit(revision) && listing->commit != revision)
    return std::unexpected(Failure{Fault::wrong,
                                   "the hub lists commit " + listing->commit + " of repository " + source.repository +
                                       " where " + revision + " was asked for",
                                   "is nothing between the hub and this server?"});
  return listing;
}

// The commit that was remembered, or what its revision is now.
std::expected<Listing, Failure> listing_to_fetch(const Source& source, const Depot& depot, const Settings& settings,
                                                 const std::atomic<bool>& stop) {
  const auto known = depot.remembered(source);
  const auto commit = known ? depot.remembered_commit(source) : std::nullopt;
  if (!commit) return listing_of(source, source.revision, settings, stop);
  bool gone = false;
  auto listing = listing_of(source, *commit, settings, stop, &gone);
  // Who may not see the repository, or asks a mirror that is behind, is told the same: only a hub that has another
  // commit now is believed.
  if (gone && source.revision != *commit) listing = listing_of(source, source.revision, settings, stop);
  if (!listing || (listing->commit == *commit && listing->digest() == *known)) return listing;
  const bool other = listing->commit == *commit;
  // What came so far can never become whole.
  depot.remove_parts(*known);
  depot.forget(source);
  const std::string what = "commit " + *commit + " of repository " + source.repository;
  return std::unexpected(
      Failure{Fault::wrong,
              other ? what + " has other files than were begun: the hub lists others, or this server takes others of it"
                    : "the hub has no " + what + " any more",
              "nothing of it was kept; ordered again, the hub is asked anew what " + source.revision + " is"});
}

std::uint64_t bytes_here(const fs::path& file) {
  std::error_code missing;
  const std::uintmax_t bytes = fs::file_size(file, missing);
  return missing ? 0 : bytes;
}

// Only a proven file has its name among the parts.
bool is_whole(const fs::path& parts, const ListedFile& file) {
  std::error_code missing;
  return fs::is_regular_file(fs::symlink_status(parts / file.name, missing)) &&
         bytes_here(parts / file.name) == file.bytes;
}

std::uint64_t still_to_come(const fs::path& parts, const Listing& listing) {
  std::uint64_t bytes = 0;
  for (const ListedFile& file : listing.files)
    if (!is_whole(parts, file))
      bytes += file.bytes - std::min(file.bytes, bytes_here(Depot::part_of(parts / file.name)));
  return bytes;
}

std::expected<crypto::GitBlobId, Failure> git_blob_id_of(const fs::path& path, std::uint64_t bytes) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.fd < 0) return std::unexpected(disk_failure(path));
  crypto::RunningGitBlob git(bytes);
  std::vector<std::byte> block(block_bytes);
  for (;;) {
    const ssize_t n = ::read(file.fd, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::unexpected(disk_failure(path));
    if (n == 0) return git.finish();
    git.add(std::span(block).first(static_cast<std::size_t>(n)));
  }
}

std::expected<bool, Failure> is_as_listed(Part& part, const fs::path& path, const ListedFile& file) {
  if (part.bytes() != file.bytes) return false;
  if (file.sha256) return part.sha256() == *file.sha256;
  const auto git = git_blob_id_of(path, file.bytes);
  if (!git) return std::unexpected(git.error());
  return *git == file.git;
}

// One file of it into the folder of parts.
std::expected<void, Failure> bring(const std::string& url, const ListedFile& file, const fs::path& parts,
                                   Part::Among among, const Settings& settings, Progress& progress) {
  const fs::path path = Depot::part_of(parts / file.name);
  for (int tries = 0; tries < 2; ++tries) {
    Part part(path, settings, progress, among);
    if (auto opened = part.open(); !opened) return opened;
    const auto resumed = complete(part, {url, true, file.bytes, file.sha256}, settings, progress);
    if (!resumed) {
      if (resumed.error().fault == Fault::wrong && part.bytes() == 0) part.remove();
      return std::unexpected(resumed.error());
    }
    const auto right = is_as_listed(part, path, file);
    if (!right) return std::unexpected(right.error());
    if (*right) return part.keep_as(parts / file.name);
    part.remove();
    if (!*resumed) break;  // else the part may have been of another file: once more from its beginning
  }
  return std::unexpected(Failure{Fault::wrong,
                                 shown(url) + " is another file than the hub lists: its " +
                                     (file.sha256 ? "SHA-256" : "git id") + " must be " +
                                     (file.sha256 ? crypto::hex(*file.sha256) : crypto::hex(file.git)),
                                 "nothing of it was kept; does a proxy change files?"});
}

// The folder has its name, with the files of the listing and nothing else.
std::expected<void, Failure> keep_folder(const fs::path& parts, const fs::path& place, const Listing& listing) {
  std::error_code wrong;
  const auto there = entries_of(parts, wrong);
  if (wrong) return std::unexpected(disk_failure(parts));
  for (const fs::directory_entry& entry : there)
    if (listing.find(entry.path().filename().string()) == nullptr) fs::remove_all(entry.path(), wrong);
  if (auto kept = sync_folder(parts); !kept) return kept;
  if (std::rename(parts.c_str(), place.c_str()) != 0) return std::unexpected(disk_failure(place));
  return sync_folder(place.parent_path());
}

}  // namespace

std::expected<FoundFolder, Failure> look_at_folder(const Source& source, const Settings& settings,
                                                   const std::atomic<bool>& stop) {
  if (settings.offline) return std::unexpected(offline());
  const Depot depot(settings.folder);
  const auto commit = depot.remembered_commit(source);
  bool gone = false;
  auto listing = listing_of(source, commit.value_or(source.revision), settings, stop, &gone);
  if (gone && commit) listing = listing_of(source, source.revision, settings, stop);
  if (!listing) return std::unexpected(listing.error());
  FoundFolder folder{{listing->digest(), listing->bytes, {}}, std::move(*listing)};
  if (!depot.find(folder.found.sha256)) {
    const fs::path parts = Depot::part_of(depot.place(folder.found.sha256, source));
    folder.found.why_no_room = no_room_for(still_to_come(parts, folder.listing), settings);
  }
  return folder;
}

std::expected<Fetched, Failure> fetch_folder(const Source& source, const Settings& settings, Progress& progress) {
  const Depot depot(settings.folder);
  if (auto made = depot.make(); !made) return std::unexpected(made.error());
  const auto here = [&](const crypto::Digest& digest) -> std::optional<Fetched> {
    const auto folder = depot.find(digest);
    if (!folder) return std::nullopt;
    return Fetched{*folder, digest, Depot::bytes_of(*folder).value_or(0)};
  };
  const auto known = depot.remembered(source);
  if (const auto folder = known ? here(*known) : std::nullopt) return *folder;
  if (settings.offline) return std::unexpected(offline());
  const auto listing = listing_to_fetch(source, depot, settings, progress.stop);
  if (!listing) return std::unexpected(listing.error());
  const crypto::Digest digest = listing->digest();
  // What is noted already could not be written anew on a full disk.
  if (digest != known || depot.remembered_commit(source) != listing->commit)
    if (auto kept = depot.remember(source, digest, listing->commit); !kept) return std::unexpected(kept.error());
  if (const auto folder = here(digest)) return *folder;

  const fs::path place = depot.place(digest, source), parts = Depot::part_of(place);
  if (::mkdir(parts.c_str(), 0700) != 0 && errno != EEXIST) return std::unexpected(disk_failure(parts));
  const std::uint64_t more = still_to_come(parts, *listing);
  progress.total = listing->bytes;
  progress.bytes = listing->bytes - more;
  if (std::string why = no_room_for(more, settings); !why.empty()) return std::unexpected(no_room(std::move(why)));
  std::uint64_t whole = 0;
  for (const ListedFile& file : listing->files) {
    const std::string url = url_of(file_of(source, listing->commit, file.name), settings.hub);
    if (!is_whole(parts, file))
      if (auto came = bring(url, file, parts, {whole, listing->bytes}, settings, progress); !came)
        return std::unexpected(came.error());
    whole += file.bytes;
  }
  progress.bytes = whole;
  if (auto kept = keep_folder(parts, place, *listing); !kept) return std::unexpected(kept.error());
  return Fetched{place, digest, listing->bytes};
}

std::expected<std::string, Failure> read_listed(const Source& source, const Listing& listing, const ListedFile& file,
                                                std::size_t bytes_max, const Settings& settings,
                                                const std::atomic<bool>& stop) {
  const std::string url = url_of(file_of(source, listing.commit, file.name), settings.hub);
  auto text = text_at(url, bytes_max, settings, stop);
  if (!text) return text;
  const auto bytes = std::as_bytes(std::span(*text));
  crypto::RunningGitBlob git(bytes.size());
  git.add(bytes);
  if (file.sha256 ? crypto::sha256(bytes) != *file.sha256 : git.finish() != file.git)
    return std::unexpected(
        Failure{Fault::wrong, shown(url) + " is another file than the hub lists", "does a proxy change files?"});
  return text;
}

}  // namespace faelled::fetch
