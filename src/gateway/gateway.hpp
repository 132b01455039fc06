// Gateway: /v1 as OpenAI's clients know it. Says who asks, reads the request once, resolves the model and runs the
// exchange. Owned by main(); loop's thread.
#pragma once

#include <string>

#include "base/ids.hpp"
#include "gateway/exchange.hpp"
#include "http/server.hpp"
#include "members/directory.hpp"
#include "net/task.hpp"

namespace faelled::gateway {

class Gateway {
 public:
  Gateway(Context& context, members::Directory& directory) : context_(context), directory_(directory) {}

  // Any request whose path begins with /v1.
  net::Task<void> handle(const http::Request& request, http::Reply& reply);

  // A chat of a signed-in person: the same path as an API client's, with another sink. `body`: a chat completion
  // request with "stream": true. Its request id is chosen by the caller.
  net::Task<void> chat(members::Caller caller, std::string body, std::string request_id, AnswerSink& sink);

  std::string new_request_id() { return make_id("req_", context_.clock.wall(), context_.random); }

 private:
  net::Task<void> run(openai::Endpoint endpoint, members::Caller caller, std::string body, std::string request_id,
                      std::string traceparent, AnswerSink& sink);
  void models(const http::Request& request, http::Reply& reply, std::string_view request_id);
  void reject(http::Reply& reply, const openai::ApiError& error, std::string_view request_id,
              std::string_view more = {});

  Context& context_;
  members::Directory& directory_;
};

}  // namespace faelled::gateway
