#!/usr/bin/env bash
# Reads the server's one line of JSON and says it in words. Lives in the background until the server has ended.
trap '' INT TERM HUP
field() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" <<<"$ready"; }
IFS= read -r ready || exit 0
url="$(field url)" key="$(field key)" model="$(field model)"
cat <<TEXT

Fælled is ready at $url

  Sign in (works once):  $(field sign_in)
  A fresh key:           $key

Try it:

  curl $url/v1/chat/completions -H 'Authorization: Bearer $key' -H 'Content-Type: application/json' -d '{"model":"$model","messages":[{"role":"user","content":"What is the capital of Denmark?"}]}'

Ctrl-C ends it.
TEXT
cat >/dev/null
