#include "net/aside.hpp"

namespace faelled::net {

Aside::~Aside() {
  if (thread_.joinable()) thread_.join();
}

void Aside::begin(std::function<std::function<void()>()> work) {
  if (thread_.joinable()) thread_.join();  // the last one has told its end already
  busy_ = true;
  thread_ = std::thread([&loop = loop_, weak = std::weak_ptr(self_), work = std::move(work)] {
    loop.post([weak, told = work()] {
      if (!weak.expired()) told();
    });
  });
}

}  // namespace faelled::net
