#include "net/tls_credentials.hpp"

#include <utility>

namespace faelled::net {

TlsCredentials::TlsCredentials(Loop& loop, crypto::TlsServerFiles files, Looked looked, Duration look_every)
    : files_(std::move(files)), looked_(std::move(looked)), look_every_(look_every), timer_(loop, [this] { look(); }) {
  timer_.arm(look_every_);
}

std::expected<std::unique_ptr<TlsCredentials>, crypto::TlsFault> TlsCredentials::open(Loop& loop,
                                                                                      crypto::TlsServerFiles files,
                                                                                      Looked looked,
                                                                                      Duration look_every) {
  const std::string stamp = crypto::stamp_of(files);
  auto made = crypto::read_server(files);
  if (!made) return std::unexpected(made.error());
  std::unique_ptr<TlsCredentials> all(new TlsCredentials(loop, std::move(files), std::move(looked), look_every));
  all->current_ = std::move(*made);
  all->read_ = all->seen_ = stamp;
  return all;
}

void TlsCredentials::look() {
  timer_.arm(look_every_);
  const std::string stamp = crypto::stamp_of(files_);
  const bool settled = stamp == std::exchange(seen_, stamp);
  if (!settled || stamp == read_) return;
  read_ = stamp;
  auto made = crypto::read_server(files_);
  broken_ = !made;
  if (made) current_ = std::move(*made);
  looked_(made ? nullptr : &made.error());
}

}  // namespace faelled::net
