// MemberMap: which member a person belongs to. Rules in the order of the configuration, the first that fits decides;
// where none does, the default member, and where there is none of those either, nobody: the person is not let in. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "front_ends/person.hpp"

namespace faelled::front_ends {

struct MemberRule {
  enum class By : std::uint8_t { email_domain, group, claim };
  By by = By::email_domain;
  std::string claim;   // its name, where `by` is a claim
  std::string value;   // "aarhus.example", "*.aarhus.example" (those below it), a group's or claim's whole text
  std::string member;  // id
  bool operator==(const MemberRule&) const = default;
};

struct FoundMember {
  std::string member;  // empty: none
  std::string why;     // "e-mail domain aarhus.example"; for people
};

class MemberMap {
 public:
  MemberMap() = default;
  MemberMap(std::vector<MemberRule> rules, std::string default_member);

  FoundMember find(const Person& person) const;
  std::vector<std::string> members() const;  // all that it may give, each once

 private:
  std::vector<MemberRule> rules_;
  std::string default_member_;
};

// What stands behind the one '@', in lower case; empty: that is no address.
std::string domain_of(std::string_view email);

}  // namespace faelled::front_ends
