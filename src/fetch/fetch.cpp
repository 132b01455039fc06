#include "fetch/fetch.hpp"

#include <algorithm>
#include <vector>

#include "base/limits.hpp"
#include "fetch/folder.hpp"
#include "fetch/part.hpp"

namespace faelled::fetch {
namespace fs = std::filesystem;
namespace {

Failure offline_failure(const Depot& depot, const Order& order) {
  const std::string where = order.sha256 ? depot.place(*order.sha256, order.source).string() : depot.folder().string();
  return {Fault::refused, "nothing is fetched here: downloads.offline is true",
          order.sha256 ? "copy the file there yourself, as " + where : "say its sha256, and copy it into " + where};
}

}  // namespace

std::expected<Found, Failure> look_at(const Order& order, const Settings& settings, const std::atomic<bool>& stop) {
  if (order.source.is_folder()) {
    auto folder = look_at_folder(order.source, settings, stop);
    if (!folder) return std::unexpected(folder.error());
    return folder->found;
  }
  const Depot depot(settings.folder);
  if (settings.offline) return std::unexpected(offline_failure(depot, order));
  Transfer transfer(settings.manners, stop);
  Question question;
  question.url = url_of(order.source, settings.hub);
  question.head = true;
  question.within = limits::fetch_question_max;
  question.follow = !order.source.of_hub();
  auto answer = transfer.ask(question);
  if (!answer) return std::unexpected(answer.error());
  if (order.source.of_hub() && (!linked_sha256(*answer) || answer->linked_size.value_or(0) == 0)) {
    if (answer->status >= 400) return std::unexpected(failure_of(*answer));
    // A hub without those headers, a file that it keeps in another way, or a repository that has another name now.
    question.follow = true;
    answer = transfer.ask(question);
    if (!answer) return std::unexpected(answer.error());
  }
  const auto of_hub = linked_sha256(*answer);
  Found found;
  found.bytes = answer->linked_size.value_or(0);
  if (found.bytes == 0) {
    // HEAD is not for everybody, and to some says no length.
    const bool silent = answer->status == 200 && answer->length.value_or(0) == 0;
    if (silent || answer->status == 403 || answer->status == 405 || answer->status == 501) {
      question.head = false;
      question.bytes = 1;
      answer = transfer.ask(question, [](const Answer&) { return false; }, [](auto) { return false; });
      if (!answer) return std::unexpected(answer.error());
      if (answer->status == 206)
        answer->length = content_range_of(answer->content_range).value_or(ContentRange{}).total;
    }
    if (answer->status != 200 && answer->status != 206) return std::unexpected(failure_of(*answer));
    found.bytes = answer->length.value_or(0);
  }
  const auto known = order.sha256 ? order.sha256 : depot.remembered(order.source);
  if (!known && !of_hub)
    return std::unexpected(
        Failure{Fault::no_hash, shown(question.url) + ": the hub does not say its SHA-256", "say it in sha256"});
  found.sha256 = known ? *known : *of_hub;
  if (known && of_hub && *of_hub != *known)
    return std::unexpected(
        Failure{Fault::wrong,
                shown(question.url) + ": the hub says its SHA-256 is " + crypto::hex(*of_hub) +
                    (order.sha256 ? ", and sha256 says " : ", and said first that it is ") + crypto::hex(*known),
                order.sha256 ? "one of the two is not the file you mean" : "say in sha256 which of the two you mean"});
  if (!depot.find(found.sha256)) {
    std::error_code ignored;
    const auto here = fs::file_size(Depot::part_of(depot.place(found.sha256, order.source)), ignored);
    const std::uint64_t had = ignored ? 0 : here;
    found.why_no_room = no_room_for(found.bytes - std::min<std::uint64_t>(had, found.bytes), settings);
  }
  return found;
}

std::expected<Fetched, Failure> fetch(const Order& order, const Settings& settings, Progress& progress) {
  if (order.source.is_folder()) return fetch_folder(order.source, settings, progress);
  const Depot depot(settings.folder);
  if (auto made = depot.make(); !made) return std::unexpected(made.error());
  auto sha256 = order.sha256 ? order.sha256 : depot.remembered(order.source);
  std::uint64_t bytes_said = 0;
  const auto here = [&]() -> std::optional<Fetched> {
    const auto file = sha256 ? depot.find(*sha256) : std::nullopt;
    if (!file) return std::nullopt;
    std::error_code ignored;
    return Fetched{*file, *sha256, fs::file_size(*file, ignored)};
  };
  if (const auto file = here()) return *file;
  if (settings.offline) return std::unexpected(offline_failure(depot, order));
  if (!sha256) {
    const auto found = look_at(order, settings, progress.stop);
    if (!found) return std::unexpected(found.error());
    sha256 = found->sha256;
    bytes_said = found->bytes;
    if (auto kept = depot.remember(order.source, *sha256); !kept) return std::unexpected(kept.error());
    if (const auto file = here()) return *file;
  }
  const Whole whole{url_of(order.source, settings.hub), order.source.of_hub(), bytes_said, sha256};
  const fs::path name = depot.place(*sha256, order.source);
  crypto::Digest came{};
  for (int tries = 0; tries < 2; ++tries) {
    Part part(Depot::part_of(name), settings, progress, {});
    if (auto opened = part.open(); !opened) return std::unexpected(opened.error());
    const auto resumed = complete(part, whole, settings, progress);
    if (!resumed) {
      Failure failure = resumed.error();
      if (failure.fault == Fault::wrong && !order.sha256) {
        part.remove();
        depot.forget(order.source);
        failure.hint = "ordered again, the hub is asked anew";
      } else if (part.bytes() == 0 && failure.fault == Fault::wrong) {
        part.remove();
      }
      return std::unexpected(std::move(failure));
    }
    came = part.sha256();
    if (came == *sha256) {
      if (auto kept = part.keep_as(name); !kept) return std::unexpected(kept.error());
      return Fetched{name, *sha256, part.bytes()};
    }
    part.remove();
    if (!*resumed) break;  // else the file may have changed since the part came: once more from its beginning
  }
  if (!order.sha256) depot.forget(order.source);  // the hub may have another file now: it is asked again when ordered
  return std::unexpected(Failure{Fault::wrong,
                                 shown(whole.url) + " is another file: its SHA-256 is " + crypto::hex(came) +
                                     ", and it must be " + crypto::hex(*sha256),
                                 "nothing of it was kept; is sha256 right, and does a proxy change files?"});
}

std::size_t Peek::read(std::uint64_t offset, std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::uint64_t at = offset + done;
    if (at >= piece_at_ && at < piece_at_ + piece_.size()) {
      const std::size_t from = static_cast<std::size_t>(at - piece_at_);
      const std::size_t n = std::min(out.size() - done, piece_.size() - from);
      std::copy_n(piece_.begin() + static_cast<std::ptrdiff_t>(from), n,
                  out.begin() + static_cast<std::ptrdiff_t>(done));
      done += n;
      continue;
    }
    const Duration left = 3 * limits::fetch_question_max - (std::chrono::steady_clock::now() - begun_);
    if (questions_ == limits::fetch_questions_max || left < 1s) return done;
    ++questions_;
    piece_.clear();
    piece_at_ = at;
    Question question;
    question.url = url_;
    question.from = at;
    question.bytes = limits::fetch_piece_bytes;
    question.within = std::min<Duration>(left, limits::fetch_question_max);
    const auto answer = transfer_.ask(
        question,
        [&](const Answer& told) {
          const auto range = content_range_of(told.content_range);
          return told.status == 206 && range && range->first == at;
        },
        [&](std::span<const std::byte> bytes) {
          piece_.insert(piece_.end(), bytes.begin(), bytes.end());
          return piece_.size() < limits::fetch_piece_bytes;
        });
    if (!answer || piece_.empty()) return done;
  }
  return done;
}

}  // namespace faelled::fetch
