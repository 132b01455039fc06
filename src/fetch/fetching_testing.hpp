// A file that servers of tests have, and a folder to fetch it into.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fetch/fetch.hpp"
#include "fetch/server_testing.hpp"

namespace faelled::fetch {

// While it lives no file may grow beyond a byte (EFBIG), as on a disk without room: print nothing meanwhile.
class FullDisk {
 public:
  FullDisk() {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit full{1, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &full);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
};

struct Fetching : testing::Test {
  std::filesystem::path folder;
  std::string content;
  crypto::Digest sha256;
  Settings settings;
  Progress progress;

  Fetching() {
    std::string name = (std::filesystem::temp_directory_path() / "faelled-fetch-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    for (unsigned i = 0; i < 300'000; ++i) content += static_cast<char>(i * 7919 >> 5);
    sha256 = crypto::sha256(content);
    settings.folder = folder / "models";
    settings.keep_free = 0;
  }
  ~Fetching() override { std::filesystem::remove_all(folder); }

  Order order(const std::string& text, bool said = true) const {
    return {parse_source(text).value(), said ? std::optional(sha256) : std::nullopt};
  }
  Order order(const Server& server) const { return order(server.url("/m/small.gguf")); }
  auto get(const Order& wanted) { return fetch(wanted, settings, progress); }
  std::string read(const std::filesystem::path& file) const {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    if (std::filesystem::exists(settings.folder))
      for (const auto& entry : std::filesystem::directory_iterator(settings.folder))
        all.push_back(entry.path().filename());
    std::ranges::sort(all);
    return all;
  }
  std::filesystem::path part(const Order& wanted) const {
    return Depot::part_of(Depot(settings.folder).place(sha256, wanted.source));
  }
  void lay_part(const Order& wanted, const std::string& bytes, const std::string& etag = "") const {
    std::filesystem::create_directory(settings.folder);
    std::ofstream(part(wanted), std::ios::binary) << bytes;
    if (!etag.empty()) std::ofstream(part(wanted) += ".etag") << etag << "\n";
  }
};

}  // namespace faelled::fetch
