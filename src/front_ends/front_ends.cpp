#include "front_ends/front_ends.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/names.hpp"
#include "members/derived_ids.hpp"

namespace faelled::front_ends {
namespace {

using members::Caller;

// Open WebUI's names (its env.py). They are believed of a front end that a certificate proves, and of nobody else.
constexpr std::string_view id_header = "X-OpenWebUI-User-Id";
constexpr std::string_view email_header = "X-OpenWebUI-User-Email";
constexpr std::string_view name_header = "X-OpenWebUI-User-Name";
constexpr std::string_view role_header = "X-OpenWebUI-User-Role";

std::unexpected<Refusal> refuse(RefusalCause cause, std::string message) {
  return std::unexpected(Refusal{cause, std::move(message)});
}

std::size_t times(const http::Request& request, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::count_if(
      request.headers, [&](const http::Header& header) { return http::same_name(header.name, name); }));
}

bool is(Peer peer, const std::string& certificate) {
  return peer.certificate != nullptr &&
         (peer.certificate->names(certificate) || peer.certificate->fingerprint == certificate);
}

std::string name_of(const FrontEnd& front_end, const Person& person, const std::string& id) {
  if (front_end.keep_name && check_name("the name", person.name)) return person.name;
  return "Person " + id.substr(id.size() - 6);
}

// A person's own key is theirs, whatever they call it.
bool is_called(const store::KeyRow& key, std::string_view member, std::string_view name) {
  return key.user.empty() && key.member == member && key.name == name;
}

bool reads_list(const http::Request& request) {
  return (request.method == http::Method::get || request.method == http::Method::head) &&
         request.path.starts_with("/v1/models");
}

}  // namespace

FrontEnds::FrontEnds(std::vector<FrontEnd> all, members::Directory& directory)
    : all_(std::move(all)), directory_(directory) {}

const FrontEnd* FrontEnds::proven(Peer peer, const Caller* key) const {
  if (all_.empty()) return nullptr;
  const auto row = key != nullptr && !key->key.empty() ? directory_.key(key->key) : std::nullopt;
  const auto found = std::ranges::find_if(all_, [&](const FrontEnd& one) {
    if (one.key_name.empty() && one.certificate.empty()) return false;
    const bool has_key = one.key_name.empty() || (row && is_called(*row, one.key_member, one.key_name));
    const bool has_certificate = one.certificate.empty() || is(peer, one.certificate);
    return has_key && has_certificate;
  });
  return found == all_.end() ? nullptr : &*found;
}

const FrontEnd* FrontEnds::of_key(const store::KeyRow& key) const {
  const auto found = std::ranges::find_if(
      all_, [&](const FrontEnd& one) { return !one.key_name.empty() && is_called(key, one.key_member, one.key_name); });
  return found == all_.end() ? nullptr : &*found;
}

bool has_key(const members::Directory& directory, std::string_view member, std::string_view name, WallTime now) {
  return std::ranges::any_of(directory.keys(member), [&](const store::KeyRow& key) {
    return is_called(key, member, name) && directory.stands(key.id, {}, now);
  });
}

std::expected<std::optional<Person>, Refusal> FrontEnds::person_in(const http::Request& request,
                                                                   const FrontEnd& front_end, WallTime now) {
  const std::string_view token = request.header(front_end.token_header);
  if (!token.empty() && !front_end.token.secrets.empty()) {
    if (times(request, front_end.token_header) > 1)
      return refuse(RefusalCause::token_refused, fmt::format("{} came more than once.", front_end.token_header));
    ReadToken read = read_token(token, front_end.token, now, document_);
    if (!read.believed())
      return refuse(RefusalCause::token_refused, fmt::format("The user token in {} is not accepted: {}.",
                                                             front_end.token_header, words_of(read.fault)));
    return std::move(read.person);
  }
  if (front_end.certificate.empty() || request.header(id_header).empty()) return std::nullopt;
  Person person;
  person.subject = request.header(id_header);
  if (times(request, id_header) > 1 || person.subject.size() > limits::front_end_subject_bytes_max)
    return refuse(RefusalCause::token_refused, fmt::format("{} came more than once, or is too long.", id_header));
  person.email = request.header(email_header);
  person.name = http::percent_decoded(request.header(name_header));
  person.role = request.header(role_header);
  if (!front_end.groups_header.empty())
    person.groups = split_groups(http::percent_decoded(request.header(front_end.groups_header)));
  return person;
}

std::expected<Caller, Refusal> FrontEnds::meet(const FrontEnd& front_end, const Person& person, const Caller* key,
                                               WallTime now) {
  const FoundMember found = front_end.members.find(person);
  if (found.member.empty() || !directory_.member(found.member))
    return refuse(RefusalCause::no_member,
                  fmt::format("The person that '{}' names belongs to no member here: {}. Whoever operates the server "
                              "can add a rule to front_ends.",
                              front_end.name, found.why));
  store::UserRow row;
  row.id = members::derived_user_id(front_end.name, found.member, person.subject);
  if (const auto known = directory_.user(row.id)) {
    if (known->disabled_at) return refuse(RefusalCause::closed, "This person's access is closed.");
  } else if (directory_.user_count(found.member) >= limits::front_end_member_users_max) {
    return refuse(RefusalCause::full, "There are too many people of this member to take another one in.");
  }
  row.member = found.member;
  row.name = name_of(front_end, person, row.id);
  row.created_at = now;
  if (front_end.keep_email && !domain_of(person.email).empty() && check_name("the e-mail", person.email))
    row.email = person.email;
  row.origin = store::UserOrigin::front_end;
  row.front_end = front_end.name;
  row.external_id = person.subject;
  Caller caller = key != nullptr ? *key : Caller{};
  caller.member = row.member;
  caller.caller = caller.user = row.id;
  directory_.meet(std::move(row), now);
  return caller;
}

std::expected<std::optional<Caller>, Refusal> FrontEnds::caller_behind(const http::Request& request, Peer peer,
                                                                       const Caller* key, WallTime now) {
  const auto as_it_is = key != nullptr ? std::optional(*key) : std::nullopt;
  const FrontEnd* front_end = proven(peer, key);
  if (front_end == nullptr) return as_it_is;
  auto person = person_in(request, *front_end, now);
  if (!person) return std::unexpected(person.error());
  if (*person) {
    auto caller = meet(*front_end, **person, key, now);
    if (!caller) return std::unexpected(caller.error());
    return std::move(*caller);
  }
  // A list of models is nobody's work; front ends fetch it on their own behalf.
  if (key != nullptr && (front_end->key_without_person || reads_list(request))) return as_it_is;
  return refuse(RefusalCause::person_missing,
                fmt::format("The front end '{}' did not say who asks: {} is missing. In Open WebUI set "
                            "ENABLE_FORWARD_USER_INFO_HEADERS and FORWARD_USER_INFO_HEADER_JWT_SECRET.",
                            front_end->name, front_end->token_header));
}

Expected<Trial> FrontEnds::try_token(std::string_view name, std::string_view token, WallTime now) {
  const FrontEnd* chosen = nullptr;
  ReadToken read;
  for (const FrontEnd& one : all_) {
    if (one.token.secrets.empty() || (!name.empty() && one.name != name)) continue;
    ReadToken tried = read_token(token, one.token, now, document_);
    // The first one whose secret fits; without one, the first.
    const bool fits = tried.fault != TokenFault::wrong_signature && tried.fault != TokenFault::malformed;
    if (chosen != nullptr && !fits) continue;
    chosen = &one;
    read = std::move(tried);
    if (fits) break;
  }
  if (chosen == nullptr)
    return fail(Errc::not_found, name.empty() ? "no front end takes tokens" : "there is no such front end with a token",
                "front_ends in the configuration lists them");
  Trial trial{chosen->name, std::move(read), {}, {}, false, false};
  if (!trial.token.person) return trial;
  trial.member = chosen->members.find(*trial.token.person);
  if (trial.member.member.empty() || trial.token.person->subject.empty()) return trial;
  trial.user = members::derived_user_id(chosen->name, trial.member.member, trial.token.person->subject);
  if (const auto user = directory_.user(trial.user)) {
    trial.user_known = true;
    trial.user_closed = user->disabled_at.has_value();
  }
  return trial;
}

}  // namespace faelled::front_ends
