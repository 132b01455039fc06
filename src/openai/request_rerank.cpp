// A question and the documents to be ordered by it.
#include "base/limits.hpp"
#include "openai/request_parser.hpp"

namespace faelled::openai {

using json::Kind;
using json::Value;

bool RequestParser::read_query(const Field& field, Value value) {
  if (value.kind() != Kind::text) return wrong_kind("query", "a string", value);
  if (value.is_empty()) return refuse(Cause::invalid_value, "query", "'query' must not be empty.");
  count_text(value);
  query_given_ = true;
  pass(field, value);
  return true;
}

bool RequestParser::read_documents(Value value) {
  if (value.kind() != Kind::array) return wrong_kind("documents", "an array of strings", value);
  if (value.is_empty()) return refuse(Cause::invalid_value, "documents", "'documents' must not be empty.");
  for (const Value document : value.items()) {
    const std::string path = "documents[" + std::to_string(request_.documents_.size()) + "]";
    if (request_.documents_.size() == limits::rerank_documents_max) {
      return refuse(Cause::invalid_value, "documents",
                    "'documents' takes at most " + std::to_string(limits::rerank_documents_max) + " documents.");
    }
    const auto text = document.kind() == Kind::object ? document.find("text") : document;
    if (!text || text->kind() != Kind::text) return wrong_kind(path, "a string, or an object with a text", document);
    if (text->is_empty()) return refuse(Cause::invalid_value, path, "A document must not be empty.");
    count_text(*text);
    request_.documents_.push_back(slice_of(*text));
  }
  request_.inputs = static_cast<std::uint32_t>(request_.documents_.size());
  subject_given_ = true;
  return true;
}

bool RequestParser::read_top_n(Value value) {
  const auto most = value.integer();
  if (!most || *most < 1 || *most > static_cast<std::int64_t>(limits::rerank_documents_max)) {
    return refuse(Cause::invalid_value, "top_n",
                  "'top_n' must be a whole number from 1 to " + std::to_string(limits::rerank_documents_max) + ".");
  }
  request_.form.top_n = static_cast<std::uint32_t>(*most);
  return true;
}

}  // namespace faelled::openai
