// Does this compiler destroy each temporary of a coroutine exactly once? g++ 12 does not: it destroys one twice when a
// capturing lambda or an aggregate is passed to a coroutine inside a co_await expression. Prints one line a probe.
#include <coroutine>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace {

// Counts every life by address: a second death, or a death without a birth, is an error.
struct Lives {
  std::set<const void*> now;
  int errors = 0;
  void born(const void* at) { errors += now.insert(at).second ? 0 : 1; }
  void died(const void* at) { errors += now.erase(at) == 1 ? 0 : 1; }
};
Lives lives;

struct Counted {
  Counted() { lives.born(this); }
  Counted(const Counted&) { lives.born(this); }
  Counted(Counted&&) noexcept { lives.born(this); }
  Counted& operator=(const Counted&) = default;
  Counted& operator=(Counted&&) = default;
  ~Counted() { lives.died(this); }
};

struct Task {
  struct promise_type {
    std::coroutine_handle<> waiting = std::noop_coroutine();
    Task get_return_object() { return Task{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> done) noexcept {
        return done.promise().waiting;
      }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };

  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  ~Task() {
    if (handle_) handle_.destroy();
  }
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
    handle_.promise().waiting = waiting;
    return handle_;
  }
  void await_resume() const noexcept {}
  void run() { handle_.resume(); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

struct Aggregate {
  Counted counted;
  std::string text;
};

template <class Function>
Task call(Function function) {
  function();
  co_return;
}
Task take(Aggregate) { co_return; }
Task take_function(std::function<void()> function) {
  function();
  co_return;
}
Task take_two(Aggregate, std::unique_ptr<Counted>) { co_return; }

Task capturing_lambda() {
  Counted counted;
  co_await call([counted] { (void)counted; });
}
Task aggregate() { co_await take(Aggregate{Counted{}, "a text too long for the small buffer of a string"}); }
Task aggregate_with_names() {
  co_await take({.counted = {}, .text = "a text too long for the small buffer of a string"});
}
Task lambda_as_function() {
  Counted counted;
  co_await take_function([counted] { (void)counted; });
}
Task aggregate_and_pointer() { co_await take_two({Counted{}, "text"}, std::make_unique<Counted>()); }
Task inside_a_condition() {
  bool taken = false;
  for (int i = 0; i < 2; ++i) {
    if (i == 1) {
      Counted counted;
      co_await call([counted, &taken] { taken = true; });
    }
  }
  if (!taken) ++lives.errors;
}

bool probe(const char* name, Task (*body)()) {
  lives = {};
  {
    Task task = body();
    task.run();
  }
  const bool good = lives.errors == 0 && lives.now.empty();
  std::printf("%s %s\n", good ? "ok" : "WRONG", name);
  return good;
}

}  // namespace

int main() {
  bool good = probe("capturing lambda", capturing_lambda);
  good &= probe("aggregate", aggregate);
  good &= probe("aggregate with names", aggregate_with_names);
  good &= probe("lambda as std::function", lambda_as_function);
  good &= probe("aggregate and pointer", aggregate_and_pointer);
  good &= probe("inside a condition", inside_a_condition);
  return good ? 0 : 1;
}
