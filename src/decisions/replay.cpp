#include "decisions/replay.hpp"

#include <algorithm>
#include <charconv>
#include <type_traits>

#include "base/limits.hpp"
#include "commons/referee.hpp"

namespace faelled::decisions {
namespace {

constexpr std::uint64_t differing_told_max = 3;  // of one run: what follows from the first is no news

std::string range(std::uint64_t first, std::uint64_t last) {
  return first == last ? "line " + std::to_string(first) + " is"
                       : "lines " + std::to_string(first) + " to " + std::to_string(last) + " are";
}

std::string text_of(std::span<const commons::Action> actions) {
  std::string all;
  commons::write_decision(all, Instant(), commons::Tick{}, actions);
  const std::size_t begin = all.find('>');
  return begin == std::string::npos ? "nothing" : all.substr(begin + 2);
}

// "open WALL_US NOW_NS …": the two clocks at one moment, and what follows.
struct Clocks {
  std::int64_t wall_us = 0;
  std::int64_t now_ns = 0;
  std::string_view rest;
};
std::optional<Clocks> read_clocks(std::string_view text) {
  Clocks out;
  const char* end = text.data() + text.size();
  const char* at = text.data() + std::min(text.find(' ') + 1, text.size());
  const auto wall = std::from_chars(at, end, out.wall_us);
  if (wall.ec != std::errc() || wall.ptr == end || *wall.ptr != ' ') return std::nullopt;
  const auto now = std::from_chars(wall.ptr + 1, end, out.now_ns);
  if (now.ec != std::errc() || (now.ptr != end && *now.ptr != ' ')) return std::nullopt;
  out.rest = std::string_view(now.ptr + (now.ptr == end ? 0 : 1), end);
  return out;
}

}  // namespace

bool ReplayReport::in_order() const { return std::ranges::none_of(findings, &Finding::fault); }

struct Replay::Run {
  Run(const commons::Settings& settings, WallTime begun, Instant at)
      : scheduler(settings), referee(settings), wall(begun), now(at) {}

  WallTime wall_of(Instant at) const { return wall + std::chrono::duration_cast<std::chrono::microseconds>(at - now); }

  commons::Scheduler scheduler;
  commons::Referee referee;
  std::uint64_t violations = 0;  // in the report already, as the next
  std::uint64_t floor_violations = 0;
  std::size_t told = 0;  // of the referee's words
  WallTime wall;
  Instant now;
  std::uint64_t differing = 0;
  std::unordered_map<commons::TicketNumber, std::string> members;  // of tickets
  std::map<std::string, commons::Restore, std::less<>> restored;   // from before this run, and not of it
  std::set<std::string, std::less<>> leaving;                      // not forgotten yet

  void add(const commons::MemberState& state, std::map<std::string, MemberSums, std::less<>>& sums) {
    MemberSums& sum = sums[state.member];
    const commons::Restore before = restored[state.member];
    sum.served += state.delivered;
    sum.lent += state.lent - before.lent;
    sum.borrowed += state.borrowed - before.borrowed;
    restored.erase(state.member);
  }
};

Replay::Replay(std::span<const Head> heads, Stopped stopped) : stopped_(std::move(stopped)) {
  for (const Head& head : heads) kept_heads_.emplace(std::pair(head.file, head.lines), head.head);
}
Replay::~Replay() = default;

void Replay::say(std::string what, std::uint64_t line, bool fault) {
  if (++findings_ <= limits::decisions_findings_max) {
    report_.findings.push_back({name_, line, std::move(what), fault});
  } else if (findings_ == limits::decisions_findings_max + 1) {
    report_.findings.push_back({name_, line, "and more: the rest of this file's findings are not told", fault});
  }
}

void Replay::file(std::string_view name, std::string_view content) {
  ++report_.files;
  const std::string before = name_;
  const std::uint64_t lines_before = lines_;
  const bool torn_before = torn_;
  const bool first = first_name_.empty();
  if (first) first_name_ = name;
  name_ = name;
  findings_ = 0;
  gaps_.clear();
  late_.clear();
  torn_ = false;

  const std::size_t end = std::min(content.find('\n'), content.size());
  const auto opening = read_sealed(content.substr(0, end));
  const auto head = opening && opening->number == 1 ? read_file_head(opening->text) : std::nullopt;
  if (!head) {
    say("the first line is not that of a file of the decision log", 1, true);
  } else {
    if (head->name != name) say("is by its first line the file " + head->name, 1, true);
    if (first) {
      if (head->previous != no_head)
        say("goes on from " + head->previous + ", which is not here: what was before is not checked", 0, false);
    } else if (head->previous != before) {
      say(head->previous == no_head ? "says that nothing was before it, and " + before + " was"
                                    : "comes after " + head->previous + ", which is missing or not in its place",
          0, true);
      end_run();
    } else {
      const std::string now_name = std::exchange(name_, before);
      if (head->previous_lines > lines_before) {
        say("is cut off: it had " + std::to_string(head->previous_lines) + " lines, as " + now_name + " says",
            lines_before, true);
        run_ = nullptr;
      } else if (head->previous_lines < lines_before) {
        say("has lines that were not there when " + now_name + " was begun", head->previous_lines + 1, true);
      } else if (head->previous_head != head_ && head->previous_head != other_head_) {
        say("is not the file that " + now_name + " goes on from: its head is another", lines_before, true);
      } else if (torn_before) {
        say("ends in the middle of a line: the server was killed while it wrote", lines_before + 1, false);
      }
      name_ = now_name;
    }
  }
  lines_ = 0;
  head_ = head ? head->previous_head : "";
  other_head_.clear();
  for (std::uint64_t number = 1; !content.empty(); ++number) {
    if (stopped_ && stopped_()) return;
    const std::size_t length = content.find('\n');
    if (length == std::string_view::npos) {
      torn_ = true;
      break;
    }
    const std::string_view text = content.substr(0, length);
    content.remove_prefix(length + 1);
    ++report_.lines;
    if (const auto line = read_sealed(text)) {
      sealed(*line);
    } else {
      say("is no line of the log: it was changed", number, true);
      ++lines_;
      head_.clear();
      other_head_.clear();
      end_run();
    }
  }
  tell_missing();
}

void Replay::sealed(const SealedLine& line) {
  if (line.number <= lines_) {
    say("stands out of its place, behind line " + std::to_string(lines_), line.number, true);
    late_.insert(line.number);
    end_run();
    return;
  }
  if (line.number > lines_ + 1) {
    gaps_.emplace_back(lines_ + 1, line.number - 1);
    head_.clear();
    other_head_.clear();
    end_run();
  }
  lines_ = line.number;
  check_chain(line);
  act(line);
}

void Replay::check_chain(const SealedLine& line) {
  if (head_.empty()) {
    head_ = line.head;
  } else if (const std::string right = head_after(head_, line.number, line.text);
             right == line.head ||
             (!other_head_.empty() && head_after(other_head_, line.number, line.text) == line.head)) {
    head_ = line.head;
    other_head_.clear();
  } else {
    say("was changed: it does not go with the lines before it", line.number, true);
    head_ = line.head;
    other_head_ = right;
    end_run();
  }
  const auto kept = kept_heads_.find({name_, line.number});
  if (kept == kept_heads_.end()) return;
  if (kept->second != line.head)
    say("is not what the kept head vouches for: this line or one before it was changed, and all heads after it made "
        "anew",
        line.number, true);
  kept_heads_.erase(kept);
}

void Replay::tell_missing() {
  for (const auto& [first, last] : gaps_) {
    std::uint64_t from = first;
    for (auto late = late_.lower_bound(first); from <= last; ++late) {
      const std::uint64_t up_to = late == late_.end() || *late > last ? last + 1 : *late;
      if (from < up_to) say(range(from, up_to - 1) + " missing", from, true);
      from = up_to + 1;
      if (up_to > last) break;
    }
  }
}

void Replay::act(const SealedLine& line) {
  const std::string_view kind = line.text.substr(0, line.text.find(' '));
  if (kind == "file") {
    if (line.number != 1) say("is a first line, and not the first", line.number, true);
    if (const auto head = read_file_head(line.text)) {
      const WallTime begun = from_unix_micros(head->begun_us);
      if (!report_.from) report_.from = begun;
      report_.to = std::max(report_.to.value_or(begun), begun);
    }
  } else if (kind == "open") {
    begin_run(line);
  } else if (kind == "goes-on") {
    if (!run_ && report_.starts == 0)
      say("begins in the middle of a run of the server: replayed from the next start on", line.number, false);
  } else if (kind == "close") {
    ended_ = true;
    end_run();
  } else if (kind == "lost") {
    say("the disk took nothing for a while: " +
            std::string(line.text.substr(std::min<std::size_t>(5, line.text.size()))) +
            " events were never written, and the rest of this run cannot be replayed",
        line.number, true);
    end_run();
  } else {
    decide(line);
  }
}

void Replay::begin_run(const SealedLine& line) {
  if (!ended_) say("the server was killed before: what it decided last may not be here", line.number, false);
  end_run();
  ended_ = false;
  ++report_.starts;
  const auto clocks = read_clocks(line.text);
  const auto settings = clocks ? commons::read_settings(clocks->rest) : fail(Errc::invalid, "its times cannot be read");
  if (!settings) return say("is no start of a server: " + settings.error().message, line.number, true);
  run_ = std::make_unique<Run>(*settings, from_unix_micros(clocks->wall_us), Instant(Duration(clocks->now_ns)));
}

void Replay::decide(const SealedLine& line) {
  if (!run_) {
    ++report_.skipped;
    return;
  }
  const auto decision = commons::read_decision(line.text);
  if (!decision) {
    say("cannot be read: " + decision.error().message, line.number, true);
    return end_run();
  }
  Run& run = *run_;
  std::vector<commons::MemberState> before;  // of those who may be forgotten now
  if (const auto* leave = std::get_if<commons::Leave>(&decision->event)) run.leaving.insert(leave->member);
  for (const std::string& id : run.leaving)
    if (auto state = run.scheduler.member(id)) before.push_back(std::move(*state));

  const auto actions = run.scheduler.step(decision->at, decision->event);
  // What the log says was done, not what should have been: those are compared below.
  run.referee.saw(decision->at, decision->event, decision->actions);
  if (const std::uint64_t all = run.referee.total(); all > run.violations) {
    const std::uint64_t floors = run.referee.count(commons::Invariant::floor);
    report_.violations += all - run.violations;
    report_.floor_violations += floors - run.floor_violations;
    run.violations = all;
    run.floor_violations = floors;
    const auto& told = run.referee.violations();
    if (run.told < told.size()) say("breaks a promise: " + told[run.told++], line.number, true);
  }
  ++report_.events;
  report_.to = std::max(report_.to.value_or(run.wall), run.wall_of(decision->at));
  if (!std::ranges::equal(actions, decision->actions)) {
    ++report_.differing;
    if (++run.differing <= differing_told_max)
      say("the scheduler decides: " + text_of(actions) + "; the log says: " + text_of(decision->actions), line.number,
          true);
  }

  for (const commons::MemberState& state : before)
    if (!run.scheduler.member(state.member)) {
      run.add(state, sums_);
      run.leaving.erase(state.member);
    }
  if (const auto* agree = std::get_if<commons::Agree>(&decision->event)) run.leaving.erase(agree->member);
  if (const auto* restore = std::get_if<commons::Restore>(&decision->event)) {
    commons::Restore& all = run.restored[restore->member];
    all.lent += restore->lent;
    all.borrowed += restore->borrowed;
  }
  if (const auto* arrive = std::get_if<commons::Arrive>(&decision->event))
    if (run.members.emplace(arrive->ticket, arrive->member).second) ++sums_[arrive->member].asked;
  for (const commons::Action& action : actions) {
    if (const auto* grant = std::get_if<commons::Grant>(&action)) {
      MemberSums& sum = sums_[run.members[grant->ticket]];
      ++(grant->why == commons::Why::floor ? sum.granted_floor : sum.granted_borrowed);
    } else if (const auto* expire = std::get_if<commons::Expire>(&action)) {
      ++sums_[run.members[expire->ticket]].expired;
      run.members.erase(expire->ticket);
    } else if (const auto* refuse = std::get_if<commons::Refuse>(&action)) {
      ++sums_[run.members[refuse->ticket]].refused;
      run.members.erase(refuse->ticket);
    }
  }
  if (const auto* end = std::get_if<commons::End>(&decision->event))
    if (end->how != commons::Ending::returned) run.members.erase(end->ticket);
}

void Replay::end_run() {
  if (!run_) return;
  for (const commons::MemberState& state : run_->scheduler.members()) run_->add(state, sums_);
  run_ = nullptr;
}

ReplayReport Replay::finish() {
  if (torn_)
    say("ends in the middle of a line", lines_ + 1, true);
  else if (!ended_ && report_.starts > 0)
    say("the server did not end here: it runs on, or was killed, and only a kept head tells whether lines are missing",
        lines_, false);
  end_run();
  for (const auto& [at, head] : kept_heads_) {
    if (first_name_.empty() || at.first < first_name_) continue;
    name_ = at.first;
    findings_ = 0;
    say("is cut off or missing: there was a head of line " + std::to_string(at.second), at.second, true);
  }
  for (auto& [id, sum] : sums_) {
    sum.pseudonym = id;
    report_.members.push_back(sum);
  }
  return std::move(report_);
}

}  // namespace faelled::decisions
