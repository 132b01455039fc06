// Pages: the web UI's documents and files over HTTP, with the headers that keep a browser from doing anything else.
// Pure but for the reply it writes to.
#pragma once

#include "http/server.hpp"

namespace faelled::portal {

// Answers every address that is not the API's. An address of a page gets the one document, which reads the address
// itself (ui/src/lib/address.ts); a file gets that file; everything else is 404.
void send_page(const http::Request& request, http::Reply& reply);

// Does an Accept-Encoding header take `coding`? "q=0" says no, "*" speaks for all that are not named (RFC
// 9110, 12.5.3).
bool accepts_coding(std::string_view header, std::string_view coding);

}  // namespace faelled::portal
