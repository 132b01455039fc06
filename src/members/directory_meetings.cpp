#include <functional>

#include "members/directory_body.hpp"

namespace faelled::members {
namespace {

// Writes with the e-mail, or without it where somebody of the member has it already; the e-mail that was kept.
Expected<std::string> with_email(const std::string& email,
                                 const std::function<Expected<void>(const std::string& email)>& write) {
  auto written = write(email);
  if (written) return email;
  if (email.empty() || written.error().code != Errc::exists) return std::unexpected(written.error());
  written = write({});
  if (!written) return std::unexpected(written.error());
  return std::string();
}

}  // namespace

// Not in the Audit's line: nobody waits. What the store keeps of a person can be less than what was sent: another user
// of the member, on another server perhaps, has the e-mail.
void Directory::meet(UserRow row, WallTime now) {
  const auto known = body_->users.find(row.id);
  if (known == body_->users.end()) {
    row.last_seen_at = now;
    if (body_->email_taken(row)) row.email.clear();
    body_->know(row);
    const Act act(now, {store::ActorKind::front_end, row.front_end, row.member});
    // The row goes with its act.
    body_->store.ask(
        [row, audited = body_->audit.row(act, "user.create", {row.id, row.member}, {}, made(row))](
            Store& store) -> Expected<std::string> {
          return with_email(row.email, [&](const std::string& email) {
            return store.together([&]() -> Expected<void> {
              UserRow kept = row;
              kept.email = email;
              if (auto added = store.add_user(kept); !added) return added;
              return store.add_audit(audited);
            });
          });
        },
        body_->met(row, true));
    return;
  }
  UserRow& user = known->second;
  if (user.last_seen_at && now - *user.last_seen_at < limits::key_last_used_every) return;
  user.last_seen_at = now;
  (void)body_->store.post([id = row.id, now](Store& store) { (void)store.set_user_last_seen(id, now); });
  if (row.email != user.email && body_->email_taken(row)) row.email.clear();
  if (user.name == row.name && user.email == row.email) return;
  user.name = row.name;
  user.email = row.email;
  body_->store.ask(
      [row](Store& store) -> Expected<std::string> {
        return with_email(row.email,
                          [&](const std::string& email) { return store.set_user_names(row.id, row.name, email); });
      },
      body_->met(row, false));
}

// Takes over which e-mail the store kept of who was met.
std::function<void(Expected<std::string>)> Directory::Body::met(const UserRow& row, bool first) {
  return [weak = weak_from_this(), id = row.id, sent = row.email, first](Expected<std::string> email) {
    const auto body = weak.lock();
    if (!body) return;
    if (email) {
      if (const auto user = body->users.find(id); user != body->users.end() && user->second.email == sent)
        user->second.email = *email;
    } else if (!first) {
      body->read_again = true;
    } else if (email.error().code != Errc::exists) {  // another gateway was first: the row it made is the same
      body->forget_user(id);
    }
  };
}

}  // namespace faelled::members
