#include "front_ends/member_map.hpp"

#include <algorithm>

namespace faelled::front_ends {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool domain_fits(std::string_view wanted, std::string_view domain) {
  if (!wanted.starts_with("*.")) return domain == wanted;
  const std::string_view tail = wanted.substr(1);  // ".aarhus.example"
  return domain.size() > tail.size() && domain.ends_with(tail);
}

bool fits(const MemberRule& rule, const Person& person, std::string_view domain) {
  switch (rule.by) {
    case MemberRule::By::email_domain:
      return !domain.empty() && domain_fits(rule.value, domain);
    case MemberRule::By::group:
      return std::ranges::find(person.groups, rule.value) != person.groups.end();
    case MemberRule::By::claim:
      return std::ranges::find(person.claims, std::pair(rule.claim, rule.value)) != person.claims.end();
  }
  return false;
}

std::string words_of(const MemberRule& rule) {
  switch (rule.by) {
    case MemberRule::By::email_domain:
      return "e-mail domain " + rule.value;
    case MemberRule::By::group:
      return "group " + rule.value;
    case MemberRule::By::claim:
      break;
  }
  return "claim " + rule.claim + " is " + rule.value;
}

}  // namespace

std::string domain_of(std::string_view email) {
  const std::size_t at = email.find('@');
  if (at == std::string_view::npos || at == 0 || email.find('@', at + 1) != std::string_view::npos) return {};
  const std::string_view domain = email.substr(at + 1);
  const bool odd = std::ranges::any_of(domain, [](char c) { return c <= ' ' || c == 0x7F; });
  return odd ? std::string() : lower(domain);
}

MemberMap::MemberMap(std::vector<MemberRule> rules, std::string default_member)
    : rules_(std::move(rules)), default_member_(std::move(default_member)) {
  for (MemberRule& rule : rules_) {
    if (rule.by == MemberRule::By::email_domain) rule.value = lower(rule.value);
  }
}

FoundMember MemberMap::find(const Person& person) const {
  const std::string domain = domain_of(person.email);
  for (const MemberRule& rule : rules_) {
    if (fits(rule, person, domain)) return {rule.member, words_of(rule)};
  }
  if (!default_member_.empty()) return {default_member_, "no rule fits: the default member"};
  return {{}, "no rule fits, and there is no default member"};
}

std::vector<std::string> MemberMap::members() const {
  std::vector<std::string> all;
  for (const MemberRule& rule : rules_) all.push_back(rule.member);
  if (!default_member_.empty()) all.push_back(default_member_);
  std::ranges::sort(all);
  const auto twice = std::ranges::unique(all);
  all.erase(twice.begin(), twice.end());
  return all;
}

}  // namespace faelled::front_ends
