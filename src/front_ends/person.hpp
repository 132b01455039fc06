// Person: who a front end says is behind a request, in its own words. Nothing here has been looked up; whether it may
// be believed is the caller's business. Values.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace faelled::front_ends {

struct Person {
  std::string subject;  // what the front end calls them for ever; never empty in one that may be believed
  std::string email;
  std::string name;
  std::string role;
  std::vector<std::string> groups;
  std::vector<std::pair<std::string, std::string>> claims;  // every claim that is a text or a number, as a text
  bool operator==(const Person&) const = default;
};

}  // namespace faelled::front_ends
