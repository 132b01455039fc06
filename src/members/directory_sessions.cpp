#include <algorithm>

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

// With their member, as they are stored.
Expected<Directory::Body::Loaded> one_person(Store& store, const std::string& id) {
  Directory::Body::Loaded out;
  auto users = store.users();
  if (!users) return std::unexpected(users.error());
  const auto user = std::ranges::find(*users, id, &UserRow::id);
  if (user == users->end()) return out;
  auto members = store.members();
  if (!members) return std::unexpected(members.error());
  if (const auto own = std::ranges::find(*members, user->member, &MemberRow::id); own != members->end())
    out.members.push_back(std::move(*own));
  out.users.push_back(std::move(*user));
  return out;
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
        auto finish = [row, now, session = std::move(*given), then = std::move(then)](Body& all) mutable {
          all.know(row);
          // Disabled while it signed in: the store has a session that nobody knows here, nor will at the next start.
          if (!all.sessions.contains(row.hash)) return then(link_denied());
          all.seen(row.user, now);
          session.user = all.users.at(row.user);
          if (const auto member = all.members.find(session.user.member); member != all.members.end())
            session.member = member->second;
          then(std::move(session));
        };
        if (body->users.contains(row.user)) return finish(*body);
        // Another server made this person a moment ago.
        body->store.ask([user = row.user](Store& store) { return one_person(store, user); },
                        Then<Body::Loaded>([weak, finish = std::move(finish)](Expected<Body::Loaded> found) mutable {
                          const auto body = weak.lock();
                          if (!body) return;
                          if (found) body->know(*found);
                          finish(*body);
                        }));
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
