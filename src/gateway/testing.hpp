// The gateway's world for tests: real sockets on both sides, a mesh that grants when the test says so, an engine whose
// every word the test says, and the real journal and directory. Only tests include this file.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <fstream>
#include <map>
#include <sstream>

#include "gateway/gateway.hpp"
#include "net/testing.hpp"
#include "store/loop_testing.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace faelled::gateway {

using net::Peer;
using net::Task;

// Grants in the order of arrival while `places` are free; records what it was told.
class TestMesh final : public rpc::MeshPort {
 public:
  void submit(const rpc::Ticket& ticket, rpc::TicketListener& listener) override {
    tickets.push_back(ticket);
    if (refusal) return listener.refused({ticket.number, *refusal, retry_after, {}});
    line_.emplace_back(ticket, &listener);
    dispatch();
    if (!running_.contains(ticket.number)) {
      listener.waiting({ticket.number, static_cast<std::uint32_t>(line_.size()), model_ready, ready_in, promised});
      came.set();
    }
  }
  void progress(const rpc::Progress& progress) override { progress_told.push_back(progress); }
  void end(const rpc::End& end) override {
    ends.push_back(end);
    if (on_end) on_end();
    if (const auto ran = running_.extract(end.ticket); !ran.empty()) {
      ++places;
      if (end.returned) line_.emplace_back(ran.mapped());
    } else {
      EXPECT_FALSE(end.returned) << "only what runs is returned";
    }
    if (!end.returned) std::erase_if(line_, [&](const auto& held) { return held.first.number == end.ticket; });
    if (end.engine_fault && on_fault) on_fault();
    if (end.returned && on_returned) on_returned();
    dispatch();
  }
  std::vector<rpc::ModelStatus> models() const override { return {}; }
  std::optional<rpc::ModelStatus> model(std::string_view) const override { return shown; }
  std::vector<std::string> failed() const override { return {}; }
  std::optional<rpc::TicketStatus> ticket(std::uint64_t number) const override {
    if (status) status->ticket = number;
    return status;
  }
  std::optional<rpc::TicketStatus> ticket(std::string_view) const override { return status; }

  void open(int more) {
    places += more;
    dispatch();
  }
  // Somebody else needs the place of the ticket that runs; none is free until open().
  void take_back() {
    ASSERT_EQ(running_.size(), 1U);
    take_back(running_.begin()->first);
  }
  // The same of one of several.
  void take_back(std::uint64_t ticket) {
    const auto ran = running_.find(ticket);
    ASSERT_NE(ran, running_.end());
    --places;
    ran->second.second->revoked();
  }
  // Tells everybody in line their place.
  void tell_all() {
    std::uint32_t position = 0;
    for (const auto& [ticket, listener] : std::deque(line_))
      listener->waiting({ticket.number, ++position, model_ready, ready_in, promised});
  }
  std::size_t waiting() const { return line_.size(); }
  std::size_t running() const { return running_.size(); }

  int places = 0;
  bool model_ready = true;
  Duration promised{};
  Duration ready_in = 7s;
  rpc::Endpoint endpoint;
  std::string engine_kind = "openai";
  std::optional<rpc::RefusalCause> refusal;
  Duration retry_after = 10s;
  mutable std::optional<rpc::TicketStatus> status;
  std::optional<rpc::ModelStatus> shown;
  std::vector<rpc::Ticket> tickets;
  std::vector<rpc::End> ends;
  std::vector<rpc::Progress> progress_told;
  std::function<void()> on_fault, on_returned, on_end;
  net::Event came;

 private:
  void dispatch() {
    while (places > 0 && !line_.empty()) {
      const auto [ticket, listener] = line_.front();
      line_.pop_front();
      --places;
      running_[ticket.number] = {ticket, listener};
      rpc::Grant grant;
      grant.ticket = ticket.number;
      grant.engine = "e1";
      grant.endpoint = endpoint;
      grant.engine_kind = engine_kind;
      grant.upstream_model = "upstream-name";
      listener->granted(grant);
    }
  }
  std::deque<std::pair<rpc::Ticket, rpc::TicketListener*>> line_;
  std::map<std::uint64_t, std::pair<rpc::Ticket, rpc::TicketListener*>> running_;
};

// Hands out the gateway's connections to it one by one.
class TestEngine {
 public:
  TestEngine(net::Loop& loop, std::string path) : loop_(loop), path_(std::move(path)) { start(); }
  void start() {
    listener_.emplace(net::Listener::unix_socket(loop_, path_).value());
    listener_->start([this](net::Stream stream) {
      line_.emplace_back(std::move(stream));
      came_.set();
    });
  }
  void stop() { listener_.reset(); }
  // Nobody has come who was not handed out.
  bool quiet() const { return line_.empty(); }
  Task<Peer> next() {
    while (line_.empty()) co_await came_;
    Peer peer = std::move(line_.front());
    line_.pop_front();
    co_return peer;
  }
  // The next connection, once its request has come whole.
  Task<Peer> request() {
    Peer peer = co_await next();
    co_await whole(peer);
    co_return peer;
  }
  static Task<void> whole(Peer& peer) {
    EXPECT_TRUE(co_await peer.hears("\r\n\r\n"));
    const std::size_t at = peer.got.find("Content-Length: ") + 16;
    const std::size_t bytes = peer.got.find("\r\n\r\n") + 4 + std::stoul(peer.got.substr(at));
    while (peer.got.size() < bytes)
      if (!co_await peer.more()) break;
  }

 private:
  net::Loop& loop_;
  std::string path_;
  std::optional<net::Listener> listener_;
  std::deque<Peer> line_;
  net::Event came_;
};

class GatewayTest : public ::testing::Test {
 protected:
  static constexpr const char* secret = "sk-test0000000000000000000000000001";
  static constexpr const char* canary = "kanariefugl-7f3a";

  GatewayTest()
      : store_(std::move(store::open_sqlite_store(folder_ / "db").value()),
               [this](std::function<void()> work) { loop_.post(std::move(work)); }),
        directory_(store_, random_) {
    const members::ConfiguredKey key{"demo", "test", secret};
    EXPECT_TRUE(directory_.load(std::span(&key, 1), clock_.wall()));
    ledger::Journal::Options options;
    options.folder = folder_ / "journal";
    options.segment_bytes = 64 * 1024;
    journal_ = std::move(ledger::Journal::open(std::move(options)).value());
    log_ = std::move(observe::Log::open((folder_ / "log").string(), observe::Level::debug).value());
    CatalogueModel model;
    model.settings.id = "m";
    model.settings.kind = engines::EngineKind::openai;
    catalogue_.emplace(std::vector{model}, clock_.wall());
    engine_.emplace(loop_, (folder_ / "engine").string());
    mesh_.endpoint.unix_path = (folder_ / "engine").string();
    mesh_.endpoint.base_path = "/v1";
    context_.reset(new Context{
        directory_, loop_, clock_, random_, client_, mesh_, *journal_, *catalogue_, metrics_, *log_, {}, {}, 0, false});
    gateway_.emplace(*context_, directory_);
  }

  void start() {
    server_ = std::make_unique<http::Server>(
        loop_, bounds_,
        [this](const http::Request& request, http::Reply& reply) { return gateway_->handle(request, reply); },
        [](int, std::string_view message) { return std::string(message); });
    auto listener = net::Listener::unix_socket(loop_, (folder_ / "gateway").string()).value();
    server_->serve(std::move(listener));
  }
  void TearDown() override {
    if (server_) net::run(loop_, server_->drain(0ms));
    client_.forget({mesh_.endpoint.unix_path, "localhost", 0});
    net::run(loop_, settled());
    store_.stop();
    EXPECT_EQ(mesh_.waiting() + mesh_.running(), 0U) << "a ticket was never ended";
    EXPECT_EQ(journal_->stats().requests_open, 0U) << "a request was never closed";
  }
  Task<void> settled() { co_await loop_.sleep(1ms); }
  void run(const std::function<Task<void>()>& body) {
    start();
    net::run(loop_, body());
  }

  Task<Peer> client() {
    co_return Peer((co_await net::connect_unix(loop_, (folder_ / "gateway").string(), 1s)).value());
  }
  static std::string post(std::string path, const std::string& body, const std::string& headers = {}) {
    return "POST " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + secret +
           "\r\nContent-Type: application/json\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }
  static std::string chat(bool stream, const std::string& more = {}, const std::string& headers = {}) {
    return post("/v1/chat/completions",
                std::string(R"({"model":"m","messages":[{"role":"user","content":")") + canary + R"("}])" +
                    (stream ? R"(,"stream":true)" : "") + more + "}",
                headers);
  }
  Task<Peer> ask(std::string request) {
    Peer peer = co_await client();
    co_await peer.say(std::move(request));
    co_return peer;
  }

  static std::string stream_head() {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  }
  static std::string chunk(const std::string& text) {
    std::ostringstream out;
    out << std::hex << text.size() << "\r\n" << text << "\r\n";
    return out.str();
  }
  static std::string event(const std::string& json) { return chunk("data: " + json + "\n\n"); }
  static std::string delta(const std::string& members, const std::string& finish = "null") {
    return event(
        R"({"id":"c","object":"chat.completion.chunk","created":1,"model":"upstream-name","choices":[{"index":0,"delta":{)" +
        members + R"(},"finish_reason":)" + finish + "}]}");
  }
  static std::string role() { return delta(R"("role":"assistant","content":"")"); }
  static std::string word(const std::string& text) { return delta(R"("content":")" + text + "\""); }
  static std::string last() { return delta("", R"("stop")"); }
  static std::string usage() {
    return event(
        R"({"id":"c","object":"chat.completion.chunk","created":1,"model":"upstream-name","choices":[],"usage":)"
        R"({"prompt_tokens":11,"completion_tokens":2,"total_tokens":13}})");
  }
  static std::string done() { return chunk("data: [DONE]\n\n") + "0\r\n\r\n"; }
  static std::string json_answer(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) +
           " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  static std::string whole_answer() {
    return json_answer(
        200, R"({"id":"c","object":"chat.completion","created":1,"model":"upstream-name","choices":[{"index":0,)"
             R"("message":{"role":"assistant","content":"hej"},"finish_reason":"stop"}],)"
             R"("usage":{"prompt_tokens":11,"completion_tokens":2,"total_tokens":13}})");
  }

  std::vector<ledger::UsageRow> rows() { return journal_->read({}, 1000).value().closed; }
  Task<ledger::UsageRow> one_row() {
    co_await net::turns_until(loop_, [&] { return !rows().empty(); });
    const auto all = rows();
    EXPECT_EQ(all.size(), 1U);
    co_return all.empty() ? ledger::UsageRow{} : all.front();
  }
  static std::string header(const std::string& answer, const std::string& name) {
    const std::size_t at = answer.find("\r\n" + name + ": ");
    if (at == answer.npos) return {};
    const std::size_t begin = at + name.size() + 4;
    return answer.substr(begin, answer.find("\r\n", begin) - begin);
  }
  std::string file(const std::filesystem::path& path) const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  store::TestFolder folder_;
  net::Loop loop_;
  SystemClock clock_;
  SystemRandom random_;
  store::StoreThread store_;
  members::Directory directory_;
  http::Client client_{loop_};
  TestMesh mesh_;
  std::optional<TestEngine> engine_;
  std::unique_ptr<ledger::Journal> journal_;
  std::unique_ptr<observe::Log> log_;
  observe::Metrics metrics_{"test"};
  std::optional<Catalogue> catalogue_;
  std::unique_ptr<Context> context_;
  std::optional<Gateway> gateway_;
  http::ServerBounds bounds_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace faelled::gateway
