#include "config/front_ends.hpp"

#include <algorithm>
#include <set>

#include "config/keys.hpp"
#include "config/member_ids.hpp"

namespace faelled::config {
namespace {

constexpr std::size_t path_bytes_max = 4096;
constexpr std::size_t certificate_bytes_max = 1000;

// A field name of HTTP (RFC 9110 section 5.1), as far as anybody uses them.
bool is_header_name(std::string_view name) {
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

void read_header(Fields& fields, std::string_view key, std::string& into) {
  const auto name = fields.text(key);
  if (!name) return;
  if (is_header_name(*name)) {
    into = *name;
  } else {
    fields.wrong(key, fields.path(key) + " " + in_quotes(*name) + " is no name of a header",
                 "letters, digits, '-' and '_'");
  }
}

void read_key(Fields& front_end, Problems& problems, FrontEnd& into) {
  const auto* node = front_end.find("key");
  if (!node) return;
  Fields fields(problems, *node, front_end.path("key"), keys::front_end_key);
  const auto member = member_id(fields, "member");
  const auto name = fit_to_show(fields, "name", fields.required("name", "name: open-webui"));
  if (!member || !name) return;
  into.key_member = *member;
  into.key_name = *name;
}

void read_token(Fields& front_end, Problems& problems, const std::filesystem::path& folder, FrontEnd& into) {
  const auto* node = front_end.find("token");
  if (!node) return;
  Fields fields(problems, *node, front_end.path("token"), keys::front_end_token);
  if (const auto file = fields.required("secret_file", "secret_file: open-webui.secret", path_bytes_max))
    into.token_secret_file = (folder / *file).lexically_normal();
  read_header(fields, "header", into.token_header);
  if (const auto issuer = fields.text("issuer")) into.token_issuer = *issuer;
  if (const auto skew = fields.seconds("clock_skew_s", 0, 300)) into.token_clock_skew = *skew;
}

void read_rules(Fields& front_end, Problems& problems, FrontEnd& into) {
  front_end.list("members", limits::front_end_rules_max, [&](const YAML::Node& node, const std::string& where) {
    Fields fields(problems, node, where, keys::front_end_members);
    if (!node.IsMap()) return;
    FrontEndRule rule;
    rule.email_domain = fields.text("email_domain").value_or("");
    rule.group = fields.text("group").value_or("");
    rule.claim = fields.text("claim").value_or("");
    rule.value = fields.text("value").value_or("");
    const auto member = member_id(fields, "member");
    const int ways = int{fields.has("email_domain")} + int{fields.has("group")} + int{fields.has("claim")};
    if (ways != 1) {
      fields.wrong("member", where + " must say by one thing whom it is about",
                   "write one of email_domain: aarhus.example, group: Aarhus, or claim: with value:");
    } else if (fields.has("claim") != fields.has("value")) {
      fields.wrong("claim", where + " needs claim and value together", "for example claim: kommune, value: \"0751\"");
    } else if (rule.email_domain.contains('@')) {
      fields.wrong("email_domain", fields.path("email_domain") + " is a whole address",
                   "write only what stands behind the @");
    } else if (member) {
      rule.member = *member;
      into.members.push_back(std::move(rule));
    }
  });
}

void read_keep(Fields& front_end, Problems& problems, FrontEnd& into) {
  if (!front_end.has("keep")) return;
  into.keep_name = into.keep_email = false;
  front_end.list("keep", 2, [&](const YAML::Node& node, const std::string& where) {
    const std::string word = node.IsScalar() ? node.Scalar() : std::string();
    if (word == "name") {
      into.keep_name = true;
    } else if (word == "email") {
      into.keep_email = true;
    } else {
      problems.add(node, where + " must be name or email", "keep: [] keeps neither");
    }
  });
}

// What a proof is for, and that there is one.
void check_proof(Fields& fields, const FrontEnd& front_end, bool certificates_asked) {
  const bool key = fields.has("key"), certificate = !front_end.certificate.empty(), token = fields.has("token");
  if (!key && !certificate) {
    fields.wrong("name", fields.path("name") + " " + in_quotes(front_end.name) + " has no way to prove itself",
                 "add key: { member: …, name: … } with token:, or certificate:");
  } else if (key && !certificate && !token) {
    fields.wrong("key", fields.path("key") + " alone says nothing about who asks",
                 "add token: { secret_file: … }; plain headers are believed only of a front end with a certificate");
  }
  if (certificate && !certificates_asked)
    fields.wrong("certificate", fields.path("certificate") + " is never shown: nobody is asked for a certificate",
                 "add tls: with client_ca: and client_certificates: optional");
  if (!front_end.groups_header.empty() && !certificate)
    fields.wrong("groups_header", fields.path("groups_header") + " is not signed and needs a certificate",
                 "add certificate:, or let the token carry a claim groups");
}

}  // namespace

void read_front_ends(Fields& top, Problems& problems, const std::filesystem::path& folder, Config& config) {
  static constexpr auto without = std::to_array<std::string_view>({"refuse", "key"});
  std::set<std::string> names;
  std::set<std::pair<std::string, std::string>> proofs;
  top.list("front_ends", limits::front_ends_max, [&](const YAML::Node& node, const std::string& where) {
    Fields fields(problems, node, where, keys::front_ends);
    if (!node.IsMap()) return;
    FrontEnd front_end;
    front_end.name = fields.required("name", "name: open-webui").value_or("");
    if (!front_end.name.empty() && !names.insert(front_end.name).second)
      fields.wrong("name", "front end " + in_quotes(front_end.name) + " stands twice", "give each its own name");
    read_key(fields, problems, front_end);
    front_end.certificate = fields.text("certificate", certificate_bytes_max).value_or("");
    read_token(fields, problems, folder, front_end);
    read_header(fields, "groups_header", front_end.groups_header);
    front_end.key_without_person = fields.choice("without_person", without) == 1;
    if (front_end.key_without_person && !fields.has("key"))
      fields.wrong("without_person", fields.path("without_person") + " is key, and there is no key", "add key:");
    read_keep(fields, problems, front_end);
    read_rules(fields, problems, front_end);
    if (fields.has("default_member")) front_end.default_member = member_id(fields, "default_member").value_or("");
    if (!fields.has("members") && !fields.has("default_member"))
      fields.wrong("name", where + " lets nobody in: it has neither members nor default_member",
                   "add members: [{ email_domain: aarhus.example, member: aarhus }]");
    check_proof(fields, front_end, config.tls && config.tls->client_certificates != ClientCertificates::none);
    if (!proofs.emplace(front_end.key_member + "\n" + front_end.key_name, front_end.certificate).second)
      fields.wrong("key", where + " proves itself as another front end does", "give each its own key or certificate");
    for (const FrontEndRule& rule : front_end.members) add_member_if_new(config, rule.member);
    if (!front_end.default_member.empty()) add_member_if_new(config, front_end.default_member);
    config.front_ends.push_back(std::move(front_end));
  });
}

}  // namespace faelled::config
