// The first byte chooses the endpoint, the rest is a request's body: refused with a cause, or harmless upstream.
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>

#include "openai/request.hpp"
#include "openai/upstream_body_testing.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  using namespace faelled;
  if (bytes == 0) return 0;
  static json::Document document;
  std::string body(reinterpret_cast<const char*>(data) + 1, bytes - 1);
  const auto request =
      openai::Request::parse(openai::endpoints[data[0] % std::size(openai::endpoints)], std::move(body), document);
  if (!request) {
    const std::string error = openai::error_body(request.error());
    if (request.error().status() != 400 || !document.parse(error)) std::abort();
    return 0;
  }
  const std::string fault = openai::fault_of_upstream_body(*request);
  if (fault.empty()) return 0;
  std::fprintf(stderr, "%s\n", fault.c_str());
  std::abort();
}
