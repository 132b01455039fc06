#include "base/ids.hpp"
#include "members/directory_body.hpp"

namespace faelled::members {
namespace {

constexpr std::size_t link_bytes = 20;     // of chance
constexpr std::size_t session_bytes = 32;  // of chance

}  // namespace

void Directory::add_sign_in_link(std::string_view user, WallTime now, Then<SignInLink> then) {
  const auto found = body_->users.find(user);
  if (found == body_->users.end()) {
    return body_->refuse(Error{Errc::not_found, "there is no such user", {}}, std::move(then));
  }
  body_->sweep(now);
  SignInLink link{random_text(link_bytes, body_->random), now + limits::sign_in_link_max};
  body_->change<SignInLink>(
      [link, user = found->first, now](Store& store) -> Expected<SignInLink> {
        auto added = store.add_sign_in_link({crypto::sha256(link.token), user, now, link.expires_at, std::nullopt});
        if (!added) return std::unexpected(added.error());
        return link;
      },
      [](Body&, SignInLink&) {}, std::move(then));
}

void Directory::sign_in(std::string_view link_token, WallTime now, Then<Session> then) {
  body_->sweep(now);
  if (body_->sessions.size() >= limits::sessions_max) {
    return body_->refuse(Error{Errc::exhausted, "too many people are signed in", "try again later"}, std::move(then));
  }
  Session session;
  session.token = random_text(session_bytes, body_->random);
  session.expires_at = now + limits::session_max;
  SessionRow row{crypto::sha256(session.token), {}, now, session.expires_at};
  body_->change<Session>(
      [link = crypto::sha256(link_token), session, row, now](Store& store) mutable -> Expected<Session> {
        auto done = store.together([&]() -> Expected<void> {
          auto user = store.use_sign_in_link(link, now);
          if (!user) return std::unexpected(user.error());
          row.user = session.user.id = *user;
          return store.add_session(row);
        });
        if (done) return session;
        const Errc code = done.error().code;
        if (code == Errc::not_found || code == Errc::conflict || code == Errc::timeout) {
          // One text for all three: which links exist is nobody's business.
          return fail(Errc::unauthorized, "This sign-in link does not work (any more).", "Ask for a new one.");
        }
        return std::unexpected(done.error());
      },
      [row](Body& body, Session& signed_in) mutable {
        row.user = signed_in.user.id;
        body.know(row);
        if (const auto user = body.users.find(row.user); user != body.users.end()) signed_in.user = user->second;
        if (const auto member = body.members.find(signed_in.user.member); member != body.members.end()) {
          signed_in.member = member->second;
        }
      },
      std::move(then));
}

Expected<Session> Directory::session(std::string_view token, WallTime now) const {
  const auto caller = authenticate_session(token, now);
  if (!caller) return std::unexpected(static_cast<const Error&>(caller.error()));
  Session out;
  out.user = body_->users.at(caller->user);
  out.member = body_->members.at(caller->member);
  out.expires_at = body_->sessions.at(crypto::sha256(token)).row.expires_at;
  return out;
}

void Directory::sign_out(std::string_view token, Then<void> then) {
  const Digest hash = crypto::sha256(token);
  body_->sessions.erase(hash);
  body_->store.ask([hash](Store& store) { return store.remove_session(hash); }, std::move(then));
}

}  // namespace faelled::members
