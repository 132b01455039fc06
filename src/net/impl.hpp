// What the .cpp files of this folder share: the only place that includes Asio.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/timer_queue.hpp"

namespace faelled::net {

namespace asio = boost::asio;
using boost::system::error_code;

struct LoopImpl {
  asio::io_context context{1};  // one thread: Asio needs no locks between its handlers
  TimerQueue timers{context};
  std::array<char, 64 * 1024> scratch{};
};

}  // namespace faelled::net
