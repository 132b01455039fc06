// The command line over a server on a thread of its own, as it blocks; what it says is caught. Only tests include this
// file.
#pragma once

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <future>
#include <iostream>
#include <sstream>
#include <thread>

#include "commands.hpp"
#include "portal/world_testing.hpp"

namespace faelled::app {

using portal::text_at;

struct Said {
  int status = 0;
  std::string out;
  std::string err;
};

class Swapped {
 public:
  Swapped(std::ostream& stream, std::ostringstream& into) : stream_(stream), before_(stream.rdbuf(into.rdbuf())) {}
  ~Swapped() { stream_.rdbuf(before_); }

 private:
  std::ostream& stream_;
  std::streambuf* before_;
};

// The command line as main() has it, but for serve and check.
inline Said said(std::string line, const std::filesystem::path& config_file) {
  CLI::App app;
  Invocation invocation{.config = config_file.string()};
  Said said;
  std::ostringstream out, err;
  {
    const Swapped swapped_out(std::cout, out), swapped_err(std::cerr, err);
    add_commands(app, invocation);
    try {
      app.parse(line, false);
      said.status = invocation.status;
    } catch (const CLI::ParseError& error) {
      said.status = app.exit(error, out, err);
    }
  }
  said.out = out.str();
  said.err = err.str();
  return said;
}

// A server on a thread of its own, as the command line blocks.
class CommandLine : public ::testing::Test {
 protected:
  void serve(int rows = 0) {
    file_ = folder_ / "faelled.yaml";
    std::ofstream(file_) << "data: .\nmodels: []\n";
    std::promise<void> up;
    thread_ = std::thread([this, rows, &up] {
      portal::World world(folder_.path());
      for (int i = 0; i < rows; ++i) {
        ledger::UsageRow row;
        row.request_id = fmt::format("req_{:06}", i);
        row.member = "aarhus";
        row.caller = row.key = "key_1";
        row.model = "m";
        row.started_at = world.clock.wall() + std::chrono::seconds(i);
        row.input_tokens = 1;
        row.outcome = ledger::Outcome::failed;
        row.cause = "said \"no\",\nand left";
        auto opening = world.journal->opened(row);
        while (!opening && !world.journal->stats().failed) {  // no segment is laid out yet
          std::this_thread::yield();
          opening = world.journal->opened(row);
        }
        world.journal->closed(std::move(opening.value()), row);
      }
      loop_ = &world.loop;
      world_ = &world;
      const net::Loop::Hold hold(world.loop);
      up.set_value();
      world.loop.run();
    });
    up.get_future().wait();
  }
  void TearDown() override {
    if (!thread_.joinable()) return;
    loop_->stop();
    thread_.join();
  }
  Said faelled(const std::string& line) { return said(line, file_); }
  void write_audit(int acts) {
    std::promise<void> written;
    loop_->post([&] {
      world_->thread->wait_for([&](store::Store& store) -> Expected<void> {
        for (int i = 0; i < acts; ++i) {
          store::AuditRow row = world_->directory->audit().row(world_->clock.wall(), "user.update", {"usr_1", "aarhus"},
                                                               std::string(), std::string());
          if (auto added = store.add_audit(row); !added) return added;
        }
        return {};
      });
      written.set_value();
    });
    written.get_future().wait();
  }

  store::TestFolder folder_;
  std::filesystem::path file_;
  std::thread thread_;
  net::Loop* loop_ = nullptr;
  portal::World* world_ = nullptr;
};

inline std::size_t count(const std::string& text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

}  // namespace faelled::app
