#pragma once

#include "net/impl.hpp"
#include "net/stream.hpp"

namespace faelled::net {

struct Stream::Impl {
  explicit Impl(asio::generic::stream_protocol::socket s) : socket(std::move(s)) {}
  asio::generic::stream_protocol::socket socket;
};

}  // namespace faelled::net
