#include "net/watch.hpp"

#include "net/impl.hpp"
#include "net/loop.hpp"

namespace faelled::net {

struct Signals::State : std::enable_shared_from_this<State> {
  State(Loop& loop, std::function<void(int)> callback) : set(loop.impl().context), came(std::move(callback)) {}
  void next() {
    set.async_wait([self = shared_from_this()](const error_code& error, int number) {
      if (error || !self->alive) return;
      self->came(number);
      if (self->alive) self->next();
    });
  }
  asio::signal_set set;
  std::function<void(int)> came;
  bool alive = true;  // what has already come about is still delivered after a cancel()
};

Signals::Signals(Loop& loop, std::initializer_list<int> numbers, std::function<void(int)> came)
    : state_(std::make_shared<State>(loop, std::move(came))) {
  for (const int number : numbers) state_->set.add(number);
  state_->next();
}

Signals::~Signals() {
  state_->alive = false;
  error_code ignored;
  state_->set.cancel(ignored);
}

struct Readable::State {
  State(Loop& loop, int fd) : descriptor(loop.impl().context, fd) {}
  asio::posix::stream_descriptor descriptor;
  bool alive = true;
};

Readable::Readable(Loop& loop, int fd, std::function<void()> readable) : state_(std::make_shared<State>(loop, fd)) {
  state_->descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                                [state = state_, readable = std::move(readable)](const error_code& error) {
                                  if (!error && state->alive) readable();
                                });
}

Readable::~Readable() {
  state_->alive = false;
  error_code ignored;
  state_->descriptor.close(ignored);
}

}  // namespace faelled::net
