// What a Stream holds, for those in this folder that make one. See stream.hpp for who owns it.
#pragma once

#include "net/impl.hpp"
#include "net/stream.hpp"

namespace faelled::net {

struct Stream::Impl {
  explicit Impl(asio::generic::stream_protocol::socket s) : socket(std::move(s)) {}
  asio::generic::stream_protocol::socket socket;
};

}  // namespace faelled::net
