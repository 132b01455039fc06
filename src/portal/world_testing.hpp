// A whole server for the portal's tests on real sockets: SQLite and journal in a temporary folder, directory, gateway
// and portal, and an upstream whose words the test says one by one. Only the mesh is a stand-in: it grants when the
// test lets it. Only tests include this file.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "gateway/gateway.hpp"
#include "http/client.hpp"
#include "json/document.hpp"
#include "ledger/journal.hpp"
#include "net/testing.hpp"
#include "portal/answer_testing.hpp"
#include "portal/catalogue_testing.hpp"
#include "portal/description.hpp"
#include "portal/portal.hpp"
#include "store/loop_testing.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace faelled::portal {

using net::Peer;
using net::Task;

// Grants every ticket the upstream, or keeps them waiting.
struct OpenMesh final : rpc::MeshPort, rpc::SharesPort, rpc::ResidencyPort {
  rpc::Endpoint endpoint;
  std::optional<rpc::Waiting> keeps_waiting;
  std::map<std::uint64_t, rpc::TicketListener*> in_line;
  std::vector<rpc::End> ended;
  std::vector<rpc::ModelStatus> states;

  void submit(const rpc::Ticket& ticket, rpc::TicketListener& listener) override {
    if (keeps_waiting) {
      in_line[ticket.number] = &listener;
      rpc::Waiting waiting = *keeps_waiting;
      waiting.ticket = ticket.number;
      return listener.waiting(waiting);
    }
    grant(ticket.number, listener, !ticket.adapter.empty());
  }
  void grant(std::uint64_t number, rpc::TicketListener& listener, bool adapted = false) {
    rpc::Grant grant;
    if (adapted) grant.adapter = 0;
    grant.ticket = number;
    grant.engine = "engine";
    grant.engine_kind = "openai";
    grant.upstream_model = "upstream";
    grant.endpoint = endpoint;
    listener.granted(grant);
  }
  void grant_all() {
    keeps_waiting.reset();
    for (const auto& [number, listener] : std::exchange(in_line, {})) grant(number, *listener);
  }
  void progress(const rpc::Progress&) override {}
  void end(const rpc::End& end) override {
    in_line.erase(end.ticket);
    ended.push_back(end);
  }
  std::vector<rpc::ModelStatus> models() const override { return states; }
  std::optional<rpc::ModelStatus> model(std::string_view id) const override {
    const auto found = std::ranges::find(states, id, &rpc::ModelStatus::model);
    return found == states.end() ? std::nullopt : std::optional(*found);
  }
  std::vector<std::string> failed() const override {
    std::vector<std::string> all;
    for (const rpc::ModelStatus& one : states)
      if (one.state == rpc::EngineState::failed) all.push_back(one.model);
    return all;
  }
  std::optional<rpc::TicketStatus> ticket(std::uint64_t number) const override {
    return status && status->ticket == number ? status : std::nullopt;
  }
  std::optional<rpc::TicketStatus> ticket(std::string_view request_id) const override {
    return status && status->request_id == request_id ? status : std::nullopt;
  }
  std::vector<rpc::MemberShare> shares() const override { return all_shares; }
  std::optional<rpc::MemberShare> share(std::string_view member) const override {
    const auto found = std::ranges::find(all_shares, member, &rpc::MemberShare::member);
    return found == all_shares.end() ? std::nullopt : std::optional(*found);
  }
  std::vector<rpc::ShareSample> past(std::string_view) const override { return all_past; }
  std::vector<rpc::DeviceResidency> devices() const override { return all_devices; }
  // All that it knows, so that a test need not put them into the catalogue too.
  std::vector<std::string> in_use() const override {
    std::vector<std::string> all;
    for (const rpc::ModelResidency& one : all_residency) all.push_back(one.model);
    for (const rpc::ModelStatus& one : states) all.push_back(one.model);
    std::ranges::sort(all);
    const auto twice = std::ranges::unique(all);
    all.erase(twice.begin(), twice.end());
    return all;
  }
  std::optional<rpc::ModelResidency> residency(std::string_view model) const override {
    const auto found = std::ranges::find(all_residency, model, &rpc::ModelResidency::model);
    return found == all_residency.end() ? std::nullopt : std::optional(*found);
  }
  std::vector<rpc::ResidencyEvent> residency_events(std::uint64_t before, std::size_t most) const override {
    std::vector<rpc::ResidencyEvent> out;
    for (auto event = all_events.rbegin(); event != all_events.rend() && out.size() < most; ++event)
      if (before == 0 || event->number < before) out.push_back(*event);
    return out;
  }
  Expected<void> order(const std::string& model, rpc::ResidencyAct act) override {
    if (!refuses.empty()) return fail(Errc::invalid, refuses);
    ordered.emplace_back(model, act);
    for (rpc::ModelResidency& one : all_residency)
      if (one.model == model && act == rpc::ResidencyAct::pin) one.pinned = true;
    return {};
  }
  void scale(const std::string&, std::uint32_t) override {}
  std::optional<Duration> promise() const override { return promised; }
  std::optional<rpc::ModelledEnergy> energy() const override { return drawn; }
  std::optional<rpc::TicketStatus> status;
  std::vector<rpc::DeviceResidency> all_devices;
  std::vector<rpc::ModelResidency> all_residency;
  std::optional<Duration> promised = Duration{};
  std::optional<rpc::ModelledEnergy> drawn;
  std::vector<rpc::ResidencyEvent> all_events;  // oldest first
  std::vector<std::pair<std::string, rpc::ResidencyAct>> ordered;
  std::string refuses;  // why it takes no order; empty: it does
  std::vector<rpc::MemberShare> all_shares;
  std::vector<rpc::ShareSample> all_past;
};

// Ends when the test says so.
struct AskedCheck final : DecisionCheck {
  bool running() const override { return begun > ended; }
  const std::optional<CheckFindings>& last() const override { return findings; }
  Expected<void> begin() override {
    ++begun;
    return {};
  }
  void end(CheckFindings found) {
    ++ended;
    findings = std::move(found);
  }

  int begun = 0;
  int ended = 0;
  std::optional<CheckFindings> findings;
};

// One answer of the upstream that is under way.
class Saying {
 public:
  explicit Saying(http::Reply& reply, std::string request) : request(std::move(request)), reply_(reply) {
    reply.begin(200, "Content-Type: text/event-stream\r\n");
    reply.on_gone([this] {
      hung_up = true;
      over.set();
    });
  }
  void say(std::string_view text) { chunk(fmt::format(R"("delta":{{"content":"{}"}},"finish_reason":null)", text)); }
  void finish(std::string_view reason = "stop") {
    chunk(fmt::format(R"("delta":{{}},"finish_reason":"{}")", reason));
    reply_.write(R"(data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"upstream","choices":[],)"
                 R"("usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}})"
                 "\n\ndata: [DONE]\n\n");
    reply_.finish();
    over.set();
  }
  void break_off() {
    reply_.abort();
    over.set();
  }

  std::string request;
  bool hung_up = false;
  net::Event over;

 private:
  void chunk(std::string_view choice) {
    reply_.write(
        fmt::format("data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"upstream\","
                    "\"choices\":[{{\"index\":0,{}}}]}}\n\n",
                    choice));
    reply_.flush();
  }
  http::Reply& reply_;
};

class World {
 public:
  explicit World(const std::filesystem::path& folder, Portal::Settings settings = quick()) {
    auto store = store::open_sqlite_store(folder / "faelled.db").value();
    const auto master = store::Conversations::master_key(folder / "master.key", *store, random).value();
    EXPECT_TRUE(store->fail_running_messages("The server stopped.", "Serveren stoppede."));
    const auto consumed = store->journal_position().value();
    ledger::Journal::Options options;
    options.folder = folder / "journal";
    options.consumed = consumed;
    options.segment_bytes = 256 * 1024;
    journal = ledger::Journal::open(std::move(options)).value();
    conversations.emplace(master);
    thread.emplace(std::move(store), [this](std::function<void()> work) { loop.post(std::move(work)); });
    ledger.emplace(*journal, *thread);
    directory.emplace(*thread, random);
    EXPECT_TRUE(directory->load({}, clock.wall()));
    log = observe::Log::open((folder / "log").string(), observe::Level::debug).value();
    gateway::CatalogueModel model;
    model.settings.id = "m";
    model.settings.name = "A model";
    model.settings.kind = engines::EngineKind::openai;
    catalogue.emplace(std::vector{model}, clock.wall());
    context.reset(new gateway::Context{
        *directory, loop, clock, random, client, mesh, *journal, *catalogue, metrics, *log, {}, {}, 0, false});
    gateway.emplace(*context, *directory);
    portal_settings = settings;
    portal.emplace(Portal::Parts{*context, *gateway, *directory, *thread, *ledger, *conversations, "http://127.0.0.1:1",
                                 settings, nullptr, facts_of(folder), &mesh, &check, &mesh, &keeping, &aliases});
    EXPECT_TRUE(portal->restore());
    const auto no_body = [](int status, std::string_view) { return std::to_string(status); };
    upstream.emplace(
        loop, http::ServerBounds{}, [this](const http::Request& r, http::Reply& reply) { return answer(r, reply); },
        no_body);
    auto upstream_listener = net::Listener::tcp(loop, "127.0.0.1", 0).value();
    mesh.endpoint.host = "127.0.0.1";
    mesh.endpoint.port = upstream_listener.port();
    mesh.endpoint.base_path = "/v1";
    upstream->serve(std::move(upstream_listener));
    server.emplace(
        loop, http::ServerBounds{},
        [this](const http::Request& r, http::Reply& reply) { return portal->handle(r, reply); }, no_body);
    auto listener = net::Listener::tcp(loop, "127.0.0.1", 0).value();
    port = listener.port();
    server->serve(std::move(listener));
    owner_socket = (folder / "control.sock").string();
    server->serve_owner(net::Listener::unix_socket(loop, owner_socket).value());
  }

  ~World() {
    net::run(loop, wind_down());
    thread->stop();
  }

  static ServerFacts facts_of(const std::filesystem::path& folder) {
    ServerFacts facts;
    facts.version = "1.2.3";
    facts.data = folder;
    facts.engine_logs = [folder](const std::string& model) {
      return std::vector<EngineLogFile>{{"", folder / (model + ".log")}, {"gpu1", folder / (model + "@gpu1.log")}};
    };
    return facts;
  }

  static Portal::Settings quick() {
    Portal::Settings settings;
    settings.turns.checkpoint_every = 5ms;
    settings.turns.store_retry_every = 5ms;
    settings.own_data.erase_every = 5ms;
    return settings;
  }

  void run(Task<void> body) { net::run(loop, std::move(body)); }

  // Another portal in the place of the first one.
  Task<void> use(front_ends::FrontEnds& front_ends) {
    co_await portal->drain(1min);  // an erasure may be under way
    portal.emplace(Portal::Parts{*context, *gateway, *directory, *thread, *ledger, *conversations, "http://127.0.0.1:1",
                                 portal_settings, &front_ends});
  }

  // One request and its whole answer. HTTP/1.0, so that a stream comes as it is and the end is the close.
  Task<Answer> ask(std::string method, std::string target, std::string body = {}, std::string headers = {}) {
    Peer peer = co_await Peer::tcp(loop, port);
    co_return co_await exchange(std::move(peer), std::move(method), std::move(target), std::move(body),
                                std::move(headers));
  }
  Task<Answer> ask_owner(std::string method, std::string target, std::string body = {}) {
    auto stream = co_await net::connect_unix(loop, owner_socket, net::test_patience);
    co_return co_await exchange(Peer(std::move(stream.value())), std::move(method), std::move(target), std::move(body),
                                {});
  }
  // A stream that goes on: read it with hears() and leave with hang_up().
  Task<Peer> open(std::string target, std::string headers) {
    Peer peer = co_await Peer::tcp(loop, port);
    co_await peer.say(fmt::format("GET {} HTTP/1.0\r\nHost: x\r\n{}\r\n", target, headers));
    co_return peer;
  }

  // A member, a user and their session: "Cookie: …\r\n".
  Task<std::string> signed_in(std::string member, std::string user) {
    co_return co_await signed_in_as(std::move(member), std::move(user), "user");
  }

  // The same with a role.
  Task<std::string> signed_in_as(std::string member, std::string user, std::string role) {
    (void)co_await ask_owner("POST", "/api/members", fmt::format(R"({{"id":"{}","name":"{}"}})", member, member));
    const Answer made = co_await ask_owner("POST", fmt::format("/api/members/{}/users", member),
                                           fmt::format(R"({{"name":"{}","role":"{}"}})", user, role));
    const Answer link =
        co_await ask_owner("POST", "/api/sign-in-links", fmt::format(R"({{"user":"{}"}})", text_at(made.body, "id")));
    const std::string url = text_at(link.body, "url");
    const Answer in =
        co_await ask("POST", "/api/session", fmt::format(R"({{"token":"{}"}})", url.substr(url.find('#') + 1)));
    const std::string cookie = in.header("Set-Cookie");
    co_return fmt::format("Cookie: {}\r\n", cookie.substr(0, cookie.find(';')));
  }

  Task<std::string> user_of(std::string cookie) {
    co_return text_at((co_await ask("GET", "/api/session", {}, std::move(cookie))).body, "user.id");
  }

  Task<std::string> conversation(std::string cookie) {
    const Answer made = co_await ask("POST", "/api/conversations", R"({"model":"m"})", std::move(cookie));
    co_return text_at(made.body, "id");
  }
  // A message of theirs as it stands in the store, however it came there.
  void keep(const std::string& user, const std::string& of, store::Message message) {
    message.conversation = of;
    message.created_at = clock.wall();
    const auto kept = thread->wait_for([&](store::Store& s) -> Expected<void> {
      auto row = conversations->get(s, user, of);
      return row ? conversations->add_message(s, *row, message) : std::unexpected(row.error());
    });
    EXPECT_TRUE(kept) << kept.error().message;
  }
  // A turn whose upstream has been asked: the last of `sayings`.
  Task<std::string> turn(std::string cookie, std::string of, std::string question = "Hej?") {
    const std::size_t before = sayings.size();
    const Answer started = co_await ask("POST", fmt::format("/api/conversations/{}/turns", of),
                                        fmt::format(R"({{"content":"{}"}})", question), std::move(cookie));
    EXPECT_EQ(started.status, 202) << started.body;
    if (!mesh.keeps_waiting) co_await net::turns_until(loop, [&] { return sayings.size() > before; });
    co_return text_at(started.body, "turn.id");
  }

  // A question and its whole answer, watched to its end. Gives the id of the turn's answer.
  Task<std::string> answered(std::string cookie, std::string of, std::string question, std::string answer,
                             std::string reason = "stop") {
    co_return co_await answered_to(std::move(cookie), std::move(of), fmt::format(R"({{"content":"{}"}})", question),
                                   std::move(answer), std::move(reason));
  }
  Task<std::string> answered_to(std::string cookie, std::string of, std::string body, std::string answer,
                                std::string reason = "stop") {
    const std::size_t before = sayings.size();
    const Answer started =
        co_await ask("POST", fmt::format("/api/conversations/{}/turns", of), std::move(body), cookie);
    EXPECT_EQ(started.status, 202) << started.body;
    co_await net::turns_until(loop, [&] { return sayings.size() > before; });
    sayings.back()->say(answer);
    sayings.back()->finish(reason);
    (void)co_await ask("GET", fmt::format("/api/turns/{}/events", text_at(started.body, "turn.id")), {}, cookie);
    co_return text_at(started.body, "answer.id");
  }

  net::Loop loop;
  ManualClock clock;
  SystemRandom random;
  http::Client client{loop};
  OpenMesh mesh;
  AskedCheck check;
  std::unique_ptr<ledger::Journal> journal;
  std::optional<store::Conversations> conversations;
  std::optional<store::StoreThread> thread;
  std::optional<store::Ledger> ledger;
  std::optional<members::Directory> directory;
  std::unique_ptr<observe::Log> log;
  observe::Metrics metrics{"test"};
  std::optional<gateway::Catalogue> catalogue;
  FakeKeeping keeping{catalogue};
  FakeAliases aliases{catalogue};
  std::unique_ptr<gateway::Context> context;
  std::optional<gateway::Gateway> gateway;
  std::optional<Portal> portal;
  Portal::Settings portal_settings;
  std::vector<std::unique_ptr<Saying>> sayings;  // by the upstream, in order
  std::set<std::string> undescribed;             // answers that the description does not name
  std::string owner_socket;
  std::uint16_t port = 0;

 private:
  Task<Answer> exchange(Peer peer, std::string method, std::string target, std::string body, std::string headers) {
    if (!body.empty() && !headers.contains("Content-Type:")) headers += "Content-Type: application/json\r\n";
    if (!body.empty()) headers += fmt::format("Content-Length: {}\r\n", body.size());
    co_await peer.say(fmt::format("{} {} HTTP/1.0\r\nHost: x\r\n{}\r\n{}", method, target, headers, body));
    Answer answer = parse_answer(co_await peer.all());
    note(method, target.substr(0, target.find('?')), answer.status);
    co_return answer;
  }

  // Every answer of an address that the description knows is one that it describes.
  void note(const std::string& method, const std::string& path, int status) {
    for (const Portal::Route& route : Portal::routes()) {
      const std::string pattern(route.path);
      const std::size_t id = pattern.find("{id}");
      const bool fits = id == std::string::npos
                            ? path == pattern
                            : path.starts_with(pattern.substr(0, id)) && path.ends_with(pattern.substr(id + 4)) &&
                                  path.size() > pattern.size() - 4 &&
                                  !path.substr(id, path.size() - pattern.size() + 4).contains('/');
      if (!fits || name_of(route.method) != method) continue;
      json::Document document;
      const auto root = document.parse(api_description());
      const auto responses = root->find("paths")->find(pattern)->find(lower(method))->find("responses");
      if (!responses || !responses->find(std::to_string(status)))
        undescribed.insert(fmt::format("{} {} {}", method, pattern, status));
    }
  }

 public:
  static std::string name_of(http::Method method) {
    switch (method) {
      case http::Method::get:
        return "GET";
      case http::Method::post:
        return "POST";
      case http::Method::put:
        return "PUT";
      case http::Method::patch:
        return "PATCH";
      case http::Method::del:
        return "DELETE";
      default:
        return "other";
    }
  }
  static std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(c));
    return text;
  }

 private:
  Task<void> answer(const http::Request& request, http::Reply& reply) {
    Saying& saying = *sayings.emplace_back(std::make_unique<Saying>(reply, std::string(request.body)));
    co_await saying.over;
  }

  Task<void> wind_down() {
    co_await server->drain(0ms);
    co_await portal->drain(1s);
    for (const auto& saying : sayings) saying->over.set();
    co_await upstream->drain(0ms);
    co_await loop.sleep(20ms);  // the last checkpoint's sleep ends
  }

  std::optional<http::Server> upstream;
  std::optional<http::Server> server;
};

class PortalTest : public ::testing::Test {
 protected:
  // Runs `body` in a fresh world, and looks that every answer was one that the description names.
  void in_world(const std::function<Task<void>(World&)>& body, Portal::Settings settings = World::quick()) {
    World world(folder_.path(), settings);
    world.run(body(world));
    EXPECT_TRUE(world.undescribed.empty()) << "openapi.json does not say: " << *world.undescribed.begin();
  }

  store::TestFolder folder_;
};

}  // namespace faelled::portal
