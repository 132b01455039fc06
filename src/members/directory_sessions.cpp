#include "base/ids.hpp"
#include "members/directory_body.hpp"
#include "members/rights.hpp"

namespace faelled::members {
namespace {

constexpr std::size_t link_bytes = 20;     // of chance
constexpr std::size_t session_bytes = 32;  // of chance

// One text for all causes: which links exist is nobody's business.
std::unexpected<Error> link_denied() {
  return fail(Errc::unauthorized, "This sign-in link does not work (any more).", "Ask for a new one.");
}

}  // namespace

void Directory::add_sign_in_link(std::string_view user, Act act, Then<SignInLink> then) {
  body_->sweep(act.at);
  body_->audit.carry_out<SignInLink>(
      [body = body_.get(), user = std::string(user), act]() -> Expected<Deed<SignInLink>> {
        const auto found = body->users.find(user);
        if (found == body->users.end()) return fail(Errc::not_found, "There is no such user.");
        if (auto ok = may_make_link(act.by, found->second); !ok) return std::unexpected(ok.error());
        const SignInLink link{random_text(link_bytes, body->random), act.at + limits::sign_in_link_max};
        return Deed<SignInLink>{
            [link, user, at = act.at](Store& store) -> Expected<SignInLink> {
              auto added =
                  store.add_sign_in_link({crypto::sha256(link.token), user, at, link.expires_at, std::nullopt});
              if (!added) return std::unexpected(added.error());
              return link;
            },
            body->audit.row(act, "user.sign_in_link", {user, found->second.member}, std::string(), std::string()),
            {}};
      },
      std::move(then));
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
  body_->store.ask(
      [link = crypto::sha256(link_token), session, row, now](Store& store) mutable -> Expected<Session> {
        auto done = store.together([&]() -> Expected<void> {
          auto user = store.use_sign_in_link(link, now);
          if (!user) return std::unexpected(user.error());
          row.user = session.user.id = *user;
          return store.add_session(row);
        });
        if (done) return session;
        const Errc code = done.error().code;
        if (code == Errc::not_found || code == Errc::conflict || code == Errc::timeout) return link_denied();
        return std::unexpected(done.error());
      },
      Then<Session>([weak = std::weak_ptr(body_), row, now, then = std::move(then)](Expected<Session> given) mutable {
        const auto body = weak.lock();
        if (!body) return;
        if (!given) return then(std::move(given));
        row.user = given->user.id;
        body->know(row);
        // Disabled while it signed in: the store has a session that nobody knows here, nor will at the next start.
        if (!body->sessions.contains(row.hash)) return then(link_denied());
        body->seen(row.user, now);
        given->user = body->users.at(row.user);
        if (const auto member = body->members.find(given->user.member); member != body->members.end())
          given->member = member->second;
        then(std::move(given));
      }));
}

Expected<Session> Directory::session(std::string_view token, WallTime now) {
  const auto caller = authenticate_session(token, now);
  if (!caller) return std::unexpected(static_cast<const Error&>(caller.error()));
  body_->seen(caller->user, now);
  Session out;
  out.user = body_->users.at(caller->user);
  out.member = body_->members.at(caller->member);
  out.expires_at = body_->sessions.at(crypto::sha256(token)).row.expires_at;
  return out;
}

void Directory::sign_out(std::string_view token, Then<void> then) {
  const Digest hash = crypto::sha256(token);
  body_->sessions.erase(hash);
  auto noted = body_->taking<void>(
      [hash](Body& body) {
        if (body.signed_out.size() < limits::sessions_max) body.signed_out.insert(hash);
      },
      [then = std::move(then)](Expected<void>) { then({}); });
  body_->store.ask([hash](Store& store) { return store.remove_session(hash); }, std::move(noted));
}

}  // namespace faelled::members
