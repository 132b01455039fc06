#include "node/node.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/limits.hpp"
#include "node/engine_host.hpp"
#include "node/upstream_host.hpp"

namespace faelled::node {

namespace {

constexpr std::size_t socket_name_bytes = 18;  // "/" + 12 + ".sock"

Expected<void> make_private(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || (errno == EEXIST && ::chmod(path.c_str(), 0700) == 0)) return {};
  return fail(Errc::io, fmt::format("folder {}: {}", path, std::strerror(errno)),
              "make the data folder writable for the server's user");
}

}  // namespace

Node::Node(net::Loop& loop, http::Client& client, const Clock& clock, Random& random, observe::Log& log,
           rpc::ReportPort& reports, Settings settings)
    : loop_(loop),
      client_(client),
      clock_(clock),
      random_(random),
      log_(log),
      reports_(reports),
      settings_(std::move(settings)) {}

Node::~Node() {
  for (auto& host : hosts_) host->close();
  std::error_code ignored;
  if (sockets_elsewhere_) std::filesystem::remove_all(sockets_, ignored);
}

Expected<void> Node::make_folders() {
  auto logs = settings_.folder + "/engines";
  if (auto made = make_private(logs); !made) return made;
  sockets_ = std::filesystem::absolute(settings_.folder + "/run").lexically_normal().string();
  if (sockets_.size() + socket_name_bytes > limits::unix_path_bytes_max) {
    std::string name = std::filesystem::temp_directory_path().string() + "/faelled-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      return fail(Errc::io, fmt::format("folder {}: {}", name, std::strerror(errno)),
                  "choose a data folder with a shorter path");
    }
    sockets_ = name;
    sockets_elsewhere_ = true;
    return {};
  }
  if (auto made = make_private(sockets_); !made) return made;
  // Those of a server that was killed; the data folder's lock says that no other one runs on it.
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(sockets_, ignored)) {
    std::filesystem::remove_all(entry.path(), ignored);
  }
  return {};
}

Expected<void> Node::start() {
  auto has_engines =
      std::ranges::any_of(settings_.models, [](const auto& m) { return m.kind != engines::EngineKind::openai; });
  if (has_engines) {
    if (auto made = make_folders(); !made) return made;
  }
  Surroundings around{loop_, client_, clock_, random_, log_, [this] { changed(); }};
  EngineFolders folders{sockets_, std::filesystem::absolute(settings_.folder + "/engines").string(),
                        settings_.environment};
  for (const auto& model : settings_.models) {
    if (model.kind != engines::EngineKind::openai) {
      hosts_.push_back(std::make_shared<EngineHost>(around, model, folders, settings_.patience));
    } else {
      hosts_.push_back(std::make_shared<UpstreamHost>(around, model, settings_.upstream_patience));
    }
  }
  beginning_ = true;  // one report for all of them
  for (auto& host : hosts_) host->begin();
  beginning_ = false;
  changed();
  return {};
}

void Node::look_at(const std::string& engine) {
  for (auto& host : hosts_) {
    if (host->report().engine == engine) return host->look_now();
  }
}

void Node::stop(Duration drain, std::function<void()> ended) {
  ended_ = std::move(ended);
  beginning_ = true;
  for (auto& host : hosts_) host->stop(drain);
  beginning_ = false;
  changed();
}

rpc::Report Node::report() const {
  rpc::Report report{settings_.name, settings_.epoch, {}};
  for (const auto& host : hosts_) report.engines.push_back(host->report());
  return report;
}

void Node::changed() {
  if (beginning_) return;
  reports_.report(report());
  if (ended_ && std::ranges::all_of(hosts_, [](const auto& host) { return host->ended(); })) {
    loop_.post(std::exchange(ended_, nullptr));
  }
}

}  // namespace faelled::node
