#include "keeping/downloads_keeper.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/byte_text.hpp"
#include "base/seconds.hpp"
#include "gateway/fetching_words.hpp"
#include "keeping/model_look.hpp"

namespace faelled::keeping {
namespace {

constexpr Duration told_every = std::chrono::seconds(1);
constexpr double seconds_averaged = 10;

bool same_file(const engines::ModelSettings& a, const engines::ModelSettings& b) {
  return a.source == b.source && a.sha256 == b.sha256;
}

std::optional<crypto::Digest> hash_of(const fetch::Order& order, const fetch::Depot& depot) {
  return order.sha256 ? order.sha256 : depot.remembered(order.source);
}

std::optional<fetch::Depot::File> part_of(const fetch::Order& order, const fetch::Depot& depot) {
  const auto sha256 = hash_of(order, depot);
  return sha256 ? depot.part(*sha256) : std::nullopt;
}

}  // namespace

DownloadsKeeper::DownloadsKeeper(Parts parts)
    : p_(std::move(parts)),
      again_(p_.loop, [this] { begin(); }),
      ticks_(p_.loop,
             [this] {
               measure();
               tell(now_);
               ticks_.arm(told_every);
             }),
      aside_(p_.loop) {
  p_.mesh.on_asked_in_vain([this](const std::string& model) {
    queue_.hurry(model);
    tell(model);
  });
  p_.metrics.counter("faelled_fetched_bytes_total", "Bytes of model files that came over the network", [this] {
    return static_cast<double>(fetched_bytes_ + (progress_ ? progress_->fetched.load() : 0));
  });
  p_.metrics.counter("faelled_fetch_failed_total", "Fetches of model files that broke off or brought another file",
                     [this] { return static_cast<double>(failed_); });
}

DownloadsKeeper::~DownloadsKeeper() { stop(); }

void DownloadsKeeper::stop() {
  *stopping_ = true;
  if (progress_) progress_->stop = true;
  again_.cancel();
  ticks_.cancel();
}

bool DownloadsKeeper::is_gone(const std::string& model) const {
  const fetch::Queue::Entry* entry = queue_.find(model);
  return entry != nullptr && entry->state == fetch::Queue::State::failed && entry->failure.fault == fetch::Fault::gone;
}

bool DownloadsKeeper::is_fetched_now(const std::string& model) const { return progress_ != nullptr && now_ == model; }

void DownloadsKeeper::want(const engines::ModelSettings& model, bool hold_back) {
  const auto before = wanted_.find(model.id);
  if (before != wanted_.end() && !same_file(before->second.settings, model)) drop(model.id);
  wanted_[model.id] = {model, hold_back};
  queue_.want(model.id, p_.clock.now());
  begin();
  tell(model.id);
}

void DownloadsKeeper::forget(const std::string& model) {
  drop(model);
  begin();
}

void DownloadsKeeper::drop(const std::string& model) {
  const auto found = wanted_.find(model);
  if (found == wanted_.end()) return;
  chores_.push_back({order_of(found->second.settings), {}});
  wanted_.erase(found);
  if (queue_.forget(model) && progress_) progress_->stop = true;
}

void DownloadsKeeper::remove_file(const engines::ModelSettings& model) {
  chores_.push_back({order_of(model), fetched_path(model)});
  begin();
}

// By what is wanted and named now: it may be long since they were asked for.
void DownloadsKeeper::do_chores() {
  std::vector<Chore> chores = std::exchange(chores_, {});
  std::set<std::string> files;
  for (const Chore& chore : chores)
    if (!chore.file.empty()) files.insert(chore.file);
  if (!files.empty() && models_of_)
    for (const Claim& claim : models_of_(files)) files.erase(fetched_path(claim.model));
  std::erase_if(chores, [&](const Chore& chore) { return !chore.file.empty() && !files.contains(chore.file); });
  std::error_code ignored;
  for (const std::string& file : files)
    if (std::filesystem::exists(file, ignored)) p_.log.info("a fetched file is removed", {{"file", file}});
  std::vector<fetch::Order> others;
  for (const auto& [id, wanted] : wanted_)
    if (!is_gone(id)) others.push_back(order_of(wanted.settings));
  aside_.ask<void>(
      [chores = std::move(chores), others = std::move(others),
       depot = fetch::Depot(p_.settings.folder)]() -> Expected<void> {
        const auto sha256_of = [&](const fetch::Order& order) { return hash_of(order, depot); };
        for (const Chore& chore : chores) {
          const auto sha256 = sha256_of(chore.order);
          if (!sha256 || std::ranges::any_of(others, [&](const auto& other) { return sha256_of(other) == sha256; }))
            continue;
          if (chore.file.empty()) {
            depot.remove_parts(*sha256);
          } else {
            depot.remove(*sha256);
          }
          // Of what never came, or is gone, the hub is asked anew. Another order may have noted another hash of its
          // source.
          if (!depot.find(*sha256) && depot.remembered(chore.order.source) == sha256) depot.forget(chore.order.source);
        }
        return {};
      },
      [this, files = std::move(files)](const Expected<void>&) {
        // A model may have found one of them while it was still there.
        if (!files.empty() && models_of_)
          for (const Claim& claim : models_of_(files))
            if (!claim.former && is_away(claim.model) && !wants(claim.model.id)) want(claim.model, true);
        begin();
      });
}

void DownloadsKeeper::begin() {
  if (aside_.busy() || *stopping_) return;
  if (!chores_.empty()) return do_chores();
  const auto model = queue_.begin(p_.clock.now());
  if (!model) {
    ticks_.cancel();
    if (queue_.wake() == Instant::max()) {
      again_.cancel();
    } else {
      again_.arm_at(queue_.wake());
    }
    return;
  }
  now_ = *model;
  progress_ = std::make_shared<fetch::Progress>();
  begun_ = measured_at_ = p_.clock.now();
  bytes_per_s_ = 0;
  measured_bytes_ = 0;
  ticks_.arm(told_every);
  const engines::ModelSettings settings = wanted_.at(*model).settings;
  p_.log.info("a model's file is fetched", {{"model", *model}, {"source", settings.source}});
  aside_.ask<Ended>(
      [settings, how = p_.settings, progress = progress_]() -> Expected<Ended> {
        Ended all{settings, fetch::fetch(order_of(settings), how, *progress), {}};
        if (all.file) {
          fetched_path(all.settings) = all.file->file.string();
          if (const auto need = looked_at(all.settings)) {
            all.need = *need;
          } else {  // its hash is right, so it is what the operator meant, and no engine can use it
            all.file = std::unexpected(fetch::Failure{fetch::Fault::refused, need.error().message, {}});
          }
        } else {
          all.part = part_of(order_of(settings), fetch::Depot(how.folder));
        }
        return all;
      },
      [this](const Expected<Ended>& all) { ended(*all); });
}

void DownloadsKeeper::ended(const Ended& all) {
  const std::string model = std::exchange(now_, {});
  const std::uint64_t came = progress_->fetched.load(), here = progress_->bytes.load();
  fetched_bytes_ += came;
  progress_.reset();
  const std::int64_t took_ms = to_millis(p_.clock.now() - begun_);
  const std::optional<fetch::Failure> failure = all.file ? std::nullopt : std::optional(all.file.error());
  const bool stopped = failure && failure->fault == fetch::Fault::cancelled;
  queue_.ended(failure, here, p_.clock.now());
  if (failure && !stopped) {
    ++failed_;
    const fetch::Queue::Entry* entry = queue_.find(model);
    const bool again = entry != nullptr && entry->state == fetch::Queue::State::waiting;
    p_.log.warn("a model's file did not come", {{"model", model},
                                                {"detail", failure->in_words()},
                                                {"bytes", came},
                                                {"took_ms", took_ms},
                                                {"again_in_ms", again ? to_millis(entry->again - p_.clock.now()) : 0}});
  }
  if (!failure)
    p_.log.info("a model's file is here", {{"model", model},
                                           {"file", all.file->file.string()},
                                           {"bytes", all.file->bytes},
                                           {"fetched", came},
                                           {"took_ms", took_ms}});
  if (const auto wanted = wanted_.find(model); wanted != wanted_.end()) {
    wanted->second.part = all.part;
    if (is_gone(model)) {
      chores_.push_back({order_of(all.settings), {}});
      wanted->second.part.reset();
    }
    engines::ModelSettings as_wanted = all.settings;
    fetched_path(as_wanted) = fetched_path(wanted->second.settings);
    if (wanted->second.settings != as_wanted) {  // its definition has changed meanwhile: all is worked out anew
      queue_.want(model, p_.clock.now());
    } else if (!failure) {
      queue_.forget(model);  // it may have been removed and ordered anew while the last of it came
      wanted_.erase(wanted);
      if (arrived_) arrived_(all.settings, all.need);
    }
  }
  begin();
  tell(model);
  tell(now_);
}

void DownloadsKeeper::measure() {
  if (!progress_) return;
  const Instant now = p_.clock.now();
  const std::uint64_t fetched = progress_->fetched.load();
  const double passed = seconds(now - measured_at_);
  if (passed <= 0) return;
  const double rate = static_cast<double>(fetched - measured_bytes_) / passed;
  const double whole = seconds(now - begun_);
  bytes_per_s_ += (rate - bytes_per_s_) * std::min(1.0, passed / std::min(seconds_averaged, std::max(whole, passed)));
  measured_bytes_ = fetched;
  measured_at_ = now;
}

rpc::Fetching DownloadsKeeper::fetching_of(const fetch::Queue::Entry& entry) const {
  rpc::Fetching out;
  if (is_fetched_now(entry.model) && entry.state == fetch::Queue::State::fetching) {
    out.bytes = progress_->bytes.load();
    out.total = progress_->total.load();
    if (out.total > out.bytes && bytes_per_s_ >= 1)
      out.left = std::chrono::milliseconds(
          static_cast<std::int64_t>(1000 * static_cast<double>(out.total - out.bytes) / bytes_per_s_));
  }
  if (entry.state == fetch::Queue::State::failed) {
    out.failed = true;
    out.detail = entry.failure.in_words();
    if (const auto wanted = wanted_.find(entry.model); wanted != wanted_.end() && wanted->second.part)
      out.detail += "; " + byte_text(wanted->second.part->bytes) + " of it are kept on the disk, to go on with";
    return out;
  }
  gateway::Words words = gateway::fetching_words(out.bytes, out.total, out.left);
  if (entry.state == fetch::Queue::State::waiting && entry.tries == 0)
    words = {"waits for its turn to be fetched", "venter på at blive hentet"};
  out.words = words.en;
  out.words_da = words.da;
  out.detail = entry.state == fetch::Queue::State::waiting && entry.tries > 0 ? entry.failure.in_words() : words.en;
  return out;
}

void DownloadsKeeper::tell(const std::string& model) {
  const fetch::Queue::Entry* entry = queue_.find(model);
  const auto wanted = wanted_.find(model);
  if (entry != nullptr && wanted != wanted_.end() && wanted->second.hold_back)
    p_.mesh.hold_back(model, fetching_of(*entry));
}

portal::Download DownloadsKeeper::download(const engines::ModelSettings& model) const {
  using State = portal::Download::State;
  portal::Download out;
  out.source = model.source;
  out.sha256 = model.sha256;
  out.file = fetched_path(model);
  if (const auto sha256 = fetch::Depot::sha256_of(out.file)) out.sha256 = crypto::hex(*sha256);
  const fetch::Queue::Entry* entry = queue_.find(model.id);
  if (entry == nullptr) return out;
  const rpc::Fetching fetching = fetching_of(*entry);
  out.state = entry->state == fetch::Queue::State::failed     ? State::failed
              : entry->state == fetch::Queue::State::fetching ? State::fetching
                                                              : State::waiting;
  out.bytes = fetching.bytes;
  out.total = fetching.total;
  out.left = fetching.left;
  if (out.state == State::fetching) out.bytes_per_s = static_cast<std::uint64_t>(bytes_per_s_);
  if (entry->tries > 0) out.detail = entry->failure.in_words();
  if (const auto wanted = wanted_.find(model.id);
      out.state == State::failed && wanted != wanted_.end() && wanted->second.part) {
    out.kept = wanted->second.part->bytes;
    out.kept_in = (p_.settings.folder / wanted->second.part->name).string();
  }
  if (out.state == State::waiting && entry->tries > 0) out.again = std::max(Duration{}, entry->again - p_.clock.now());
  return out;
}

void DownloadsKeeper::tell_unnamed(const std::set<std::string>& files) const {
  std::set<crypto::Digest> named;
  for (const std::string& file : files)
    if (const auto sha256 = fetch::Depot::sha256_of(file)) named.insert(*sha256);
  for (const fetch::Depot::File& file : fetch::Depot(p_.settings.folder).files()) {
    const auto sha256 = fetch::Depot::sha256_of(file.name);
    if (!sha256 || !named.contains(*sha256))
      p_.log.warn("no model has this fetched file", {{"file", file.name}, {"bytes", file.bytes}});
  }
}

}  // namespace faelled::keeping
