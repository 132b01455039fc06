// A real PostgreSQL for tests: a server in a folder of its own, reached by a socket there, ended with the test program.
// initdb refuses root, so root hands it to the user that Debian's package makes. Only tests include this file.
#pragma once

#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "store/loop_testing.hpp"

namespace faelled::store {

class PostgresServer {
 public:
  // One for the whole program, started when it is first asked for.
  static PostgresServer& shared() {
    static PostgresServer server;
    return server;
  }

  PostgresServer() {
    ::chmod(folder_.path().c_str(), 0711);
    const std::filesystem::path home = folder_ / "pg";
    std::filesystem::create_directory(home);
    if (::geteuid() == 0) EXPECT_EQ(run({"chown", "postgres:", home.string()}), 0);
    EXPECT_EQ(run(as_its_user({bin("initdb"), "-D", data(), "-U", "faelled", "-A", "trust", "-E", "UTF8", "--locale=C",
                               "--no-sync"})),
              0);
    start();
  }
  ~PostgresServer() { stop(); }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  void start() {
    pid_ =
        spawn(as_its_user({bin("postgres"), "-D", data(), "-k", home(), "-c", "listen_addresses=", "-c", "fsync=off",
                           "-c", "full_page_writes=off", "-c", "shared_buffers=32MB", "-c", "logging_collector=off"}));
    const std::string url = url_of("postgres");
    while (PQping(url.c_str()) != PQPING_OK) {
      ASSERT_EQ(::waitpid(pid_, nullptr, WNOHANG), 0) << "PostgreSQL ended; its log is " << folder_.path() << "/log";
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  // Sessions are cut off; returns when it has ended.
  void stop() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGINT);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  std::string url_of(const std::string& database) const {
    return "postgresql://faelled@/" + database + "?host=" + home();
  }

  // The address of an empty database.
  std::string new_database() {
    const std::string name = "test" + std::to_string(++databases_);
    sql(url_of("postgres"), "CREATE DATABASE " + name);
    return url_of(name);
  }

  // One statement from outside; gives the first field of the first row.
  static std::string sql(const std::string& url, const std::string& text) {
    const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(url.c_str()), &PQfinish);
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), text.c_str()), &PQclear);
    const auto status = PQresultStatus(result.get());
    EXPECT_TRUE(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) << PQerrorMessage(connection.get()) << text;
    return status == PGRES_TUPLES_OK && PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }

 private:
  using Words = std::vector<std::string>;

  std::string home() const { return (folder_ / "pg").string(); }
  std::string data() const { return home() + "/data"; }
  static std::string bin(const std::string& name) {
    for (const char* folder : {"/usr/lib/postgresql/15/bin/", "/usr/local/bin/", "/usr/bin/"})
      if (::access((folder + name).c_str(), X_OK) == 0) return folder + name;
    return name;
  }

  // It ends with us, however we end.
  static Words as_its_user(Words command) {
    Words all{"setpriv", "--pdeathsig", "INT"};
    if (::geteuid() == 0)
      for (const char* word : {"--reuid=postgres", "--regid=postgres", "--clear-groups"}) all.emplace_back(word);
    all.insert(all.end(), command.begin(), command.end());
    return all;
  }

  pid_t spawn(const Words& command) const {
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const std::string log = (folder_ / "log").string();
    const pid_t pid = ::fork();
    if (pid == 0) {
      if (std::freopen(log.c_str(), "a", stdout) == nullptr || std::freopen(log.c_str(), "a", stderr) == nullptr)
        ::_exit(126);
      ::execvp(words.front(), words.data());
      ::_exit(127);
    }
    return pid;
  }

  int run(const Words& command) const {
    int status = -1;
    ::waitpid(spawn(command), &status, 0);
    return status;
  }

  TestFolder folder_;
  pid_t pid_ = -1;
  int databases_ = 0;
};

}  // namespace faelled::store
