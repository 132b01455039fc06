// What a Stream holds, for those in this folder that make one. See stream.hpp for who owns it.
#pragma once

#include "crypto/tls_session.hpp"
#include "net/impl.hpp"
#include "net/stream.hpp"

namespace faelled::net {

struct Stream::Impl {
  explicit Impl(asio::generic::stream_protocol::socket s) : socket(std::move(s)) {}

  // The socket itself, whatever lies over it.
  IoResult read_wire(std::span<char> into);
  IoResult write_wire(std::string_view data);

  struct Tls {
    crypto::TlsSession session;
    std::size_t under_way = 0;  // plain bytes whose records the kernel has not taken whole
  };
  IoResult read_tls(std::span<char> into);
  IoResult write_tls(std::string_view data);
  IoStatus send_records();  // ok with some left: the kernel takes no more now

  asio::generic::stream_protocol::socket socket;
  std::unique_ptr<Tls> tls;
};

}  // namespace faelled::net
