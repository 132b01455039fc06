#include "probes.hpp"

#include "json/writer.hpp"

namespace faelled::app {

bool Probes::handle(const http::Request& request, http::Reply& reply) const {
  if (request.path == "/livez") {
    reply.send(200, "Content-Type: text/plain\r\n", "ok\n");
  } else if (request.path == "/readyz") {
    ready(reply);
  } else if (request.path == "/metrics") {
    reply.send(200, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n", context_.metrics.text());
  } else {
    return false;
  }
  return true;
}

void Probes::ready(http::Reply& reply) const {
  const bool journal = !storage_.journal->stats().failed;
  // Not a reason to send nobody here: what is known goes on working while the store is away.
  const bool store = storage_.thread->available();
  const bool ready = journal && !context_.shutting_down;
  std::string body;
  json::Writer out(body);
  out.object()
      .member("ready", ready)
      .member("draining", context_.shutting_down)
      .member("journal", journal)
      .member("store", store);
  out.key("models").object();
  // A probe comes every few seconds: of a large catalogue it is not told all that is absent.
  constexpr std::size_t told_max = 1000;
  if (context_.catalogue.size() <= told_max)
    for (const rpc::ModelStatus& model : context_.mesh.models())
      if (!context_.catalogue.brief(model.model).for_some)  // anybody may ask
        out.member(model.model, model.state == rpc::EngineState::ready);
  out.close_object().close_object();
  body += '\n';
  reply.send(ready ? 200 : 503, "Content-Type: application/json\r\n", body);
}

}  // namespace faelled::app
