// FrontEnds: shared front ends (Open WebUI, a municipality's own chat) that one key or one certificate speaks for, and
// that say with each request who is behind it. They, and nobody else, may name member and user; everybody else's words
// about that are not looked at. Owned by main(); loop's thread.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/certificate.hpp"
#include "front_ends/member_map.hpp"
#include "front_ends/signed_token.hpp"
#include "http/message.hpp"
#include "json/document.hpp"
#include "members/directory.hpp"

namespace faelled::front_ends {

// One of them, as the configuration gives it.
struct FrontEnd {
  std::string name;
  // How it proves itself: by a key, by a client certificate, or, where both are set, by both.
  std::string key_member;   // whose key it is
  std::string key_name;     // empty: no key
  std::string certificate;  // a name in the verified certificate, or its fingerprint; empty: none
  // How it says who asks: with a signed token, or, where a certificate proves it, with plain headers as well.
  std::string token_header = "X-OpenWebUI-User-Jwt";
  TokenRules token;
  std::string groups_header;        // of plain headers; empty: none
  bool key_without_person = false;  // a request that names nobody counts for the key's own member; else it is refused
  bool keep_name = true;
  bool keep_email = false;
  MemberMap members;
};

// What the other end of the connection has proven; nullptr: nothing.
struct Peer {
  const crypto::Certificate* certificate = nullptr;
};

enum class RefusalCause : std::uint8_t { person_missing, token_refused, no_member, closed, full };
struct Refusal {
  RefusalCause cause = RefusalCause::token_refused;
  std::string message;  // for the client; names no content of a token
};

// What would come of a token, for the operator who looks why somebody is not let in.
struct Trial {
  std::string front_end;
  ReadToken token;
  FoundMember member;
  std::string user;  // id that it has, or would get; empty where no member was found
  bool user_known = false;
  bool user_closed = false;
};

class FrontEnds {
 public:
  FrontEnds(std::vector<FrontEnd> all, members::Directory& directory);

  // Who the request counts for. `key`: whom its key speaks for; nullptr: it came without. A caller without a front end
  // comes back as it is, or nullopt where there is neither. Makes the person a user when they are seen first.
  std::expected<std::optional<members::Caller>, Refusal> caller_behind(const http::Request& request, Peer peer,
                                                                       const members::Caller* key, WallTime now);

  // The one that this key speaks for; nullptr: none. By the key's name, so whoever renames it takes it from the front
  // end, and then all people behind it would count as the key's own member.
  const FrontEnd* of_key(const store::KeyRow& key) const;

  // Changes nothing. `name` empty: the only one, or the first whose secret fits. Errors: not_found.
  Expected<Trial> try_token(std::string_view name, std::string_view token, WallTime now);

  const std::vector<FrontEnd>& all() const { return all_; }

 private:
  const FrontEnd* proven(Peer peer, const members::Caller* key) const;
  std::expected<std::optional<Person>, Refusal> person_in(const http::Request& request, const FrontEnd& front_end,
                                                          WallTime now);
  std::expected<members::Caller, Refusal> meet(const FrontEnd& front_end, const Person& person,
                                               const members::Caller* key, WallTime now);

  std::vector<FrontEnd> all_;
  members::Directory& directory_;
  json::Document document_;
};

// Is there a key of this name that works, of the member's own and not of a person? Without it nobody is known for the
// front end that names it, and its requests count as anybody else's.
bool has_key(const members::Directory& directory, std::string_view member, std::string_view name, WallTime now);

}  // namespace faelled::front_ends
