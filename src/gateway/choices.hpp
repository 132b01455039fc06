// Choices: one request that is answered several times over (`n`, or several prompts). Each choice is an exchange of its
// own, with its ticket, place, journal record and ledger row, so that the ledger says what engines counted; here their
// answers become one: choices in their order, usage summed, one ending, which nobody sees before every record is
// closed. One that fails or is given up takes the others with it. Lives in the frame of whoever runs it; loop's thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/exchange.hpp"

namespace faelled::gateway {

class Choices {
 public:
  // As an Exchange. The first choice has `request_id`, each further one "-1", "-2", … behind it.
  Choices(Context& context, const members::Caller& caller, const openai::Request& request,
          const Catalogue::Asked& asked, const std::string& request_id, const std::string& traceparent,
          AnswerSink& sink);

  net::Task<void> run();

 private:
  // Where one choice's exchange puts its answer.
  class Branch final : public AnswerSink {
   public:
    Branch(Choices& all, std::size_t number) : all_(all), number_(number) {}
    void whole(std::string_view json, const AnswerTimes& times) override;
    void fail(const openai::ApiError& error) override { all_.failed(number_, error); }
    void open(const AnswerTimes& times) override;
    void event(std::string_view data) override { all_.sink_.event(data); }
    void keep_alive(const rpc::Waiting* waiting) override { all_.sink_.keep_alive(waiting); }
    void waiting(const rpc::Waiting& waiting) override { all_.sink_.waiting(waiting); }
    void done() override { ended_well_ = true; }
    void broken(const openai::ApiError& error) override { all_.failed(number_, error); }
    void flush() override { all_.sink_.flush(); }
    bool opened() const override { return all_.sink_.opened(); }
    bool gone() const override { return all_.sink_.gone(); }
    void on_gone(std::function<void()> callback) override { on_gone_ = std::move(callback); }
    bool congested() const override { return all_.sink_.congested(); }
    void client_gone() const;
    bool ended_well() const { return ended_well_; }

   private:
    Choices& all_;
    std::size_t number_;
    bool ended_well_ = false;
    std::function<void()> on_gone_;
  };

  net::Task<void> run_one(std::size_t number);
  void failed(std::size_t number, const openai::ApiError& error);
  void withdraw_others(std::size_t number);
  void finish();

  Context& context_;
  openai::Request request_;
  AnswerSink& sink_;
  std::string id_;
  std::deque<Branch> branches_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::vector<std::string> bodies_;
  AnswerTimes times_;  // of the slowest
  std::optional<openai::ApiError> error_;
  std::size_t running_ = 0;
  net::Event ended_;
};

}  // namespace faelled::gateway
