// Gateway: /v1 as OpenAI's and Anthropic's clients know it. Says who asks, reads the request once, resolves the model
// and runs the exchange. Owned by main(); loop's thread.
#pragma once

#include <optional>
#include <string>

#include "base/ids.hpp"
#include "front_ends/front_ends.hpp"
#include "gateway/exchange.hpp"
#include "gateway/refusal_log.hpp"
#include "http/server.hpp"
#include "members/directory.hpp"
#include "net/task.hpp"

namespace faelled::gateway {

// Whose clients read the answer: what they do not share is the form of errors and of the list of models.
enum class Wire : std::uint8_t { openai, anthropic };

class Gateway {
 public:
  // `front_ends`: those that may say who is behind a request; nullptr: none.
  Gateway(Context& context, members::Directory& directory, front_ends::FrontEnds* front_ends = nullptr)
      : context_(context),
        directory_(directory),
        front_ends_(front_ends),
        refusals_(context.loop, context.log, "keys were refused") {}

  // What can be said of a request when only its head is there: a wrong key is refused before its body is read. False:
  // that was the answer.
  bool admit(const http::Request& head, http::Reply& reply);

  // Any request whose path begins with /v1.
  net::Task<void> handle(const http::Request& request, http::Reply& reply);

  // A chat of a signed-in person: the same path as an API client's, with another sink. `body`: a chat completion
  // request with "stream": true. Its request id is chosen by the caller.
  net::Task<void> chat(members::Caller caller, std::string body, std::string request_id, AnswerSink& sink);

  // Nobody's new request while operators have closed for maintenance; nullopt: it is open.
  std::optional<openai::ApiError> closed() const;

  std::string new_request_id() { return make_id("req_", context_.clock.wall(), context_.random); }

 private:
  std::expected<members::Caller, openai::ApiError> who_asks(const http::Request& request, const http::Reply& reply,
                                                            std::string_view request_id);
  net::Task<void> run(openai::Endpoint endpoint, members::Caller caller, std::string body, std::string request_id,
                      std::string traceparent, AnswerSink& sink, bool count_only = false);
  void models(const members::Caller& caller, const http::Request& request, http::Reply& reply,
              std::string_view request_id, Wire wire);
  // Whether what was asked for is anything that this caller may know of. To all others it is as if it were not there.
  bool may(const members::Caller& caller, const Catalogue::Asked& asked) const;
  // What the caller's member and key allow of the catalogue.
  std::vector<std::string> names_for(const members::Caller& caller) const;
  openai::ApiError not_found(const members::Caller& caller, std::string_view asked) const;
  // gateway_protocols.cpp
  net::Task<void> responses(const http::Request& request, http::Reply& reply, members::Caller caller,
                            std::string request_id);
  net::Task<void> messages(const http::Request& request, http::Reply& reply, members::Caller caller,
                           std::string request_id);
  void anthropic_models(const members::Caller& caller, const http::Request& request, http::Reply& reply,
                        std::string_view request_id);
  // False: refused. Whether a body of JSON may be read at all.
  bool takes_json(const http::Request& request, http::Reply& reply, std::string_view request_id, Wire wire);
  void reject(http::Reply& reply, const openai::ApiError& error, std::string_view request_id, Wire wire,
              std::string_view more = {});

  Context& context_;
  members::Directory& directory_;
  front_ends::FrontEnds* front_ends_;
  RefusalLog refusals_;
};

}  // namespace faelled::gateway
