#!/usr/bin/env python3
"""Fetches one file: whole and with the right hash, or not at all.

  fetch.py url URL DEST [--sha256 HEX]
  fetch.py pypi PROJECT FILENAME DEST --sha256 HEX      where from: pip's own configuration
  fetch.py npm PACKAGE@VERSION DEST --sha256 HEX        where from: npm's own configuration
  fetch.py hf OWNER/REPO/PATH DEST                      HF_ENDPOINT and HF_TOKEN are honoured

Bytes go to DEST.part; a later call goes on where an earlier one was cut off. Only a file that passed its check gets its
name. Proxies and CA bundles of the environment are honoured. Progress is on standard error.
"""

import argparse
import base64
import hashlib
import html.parser
import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

CHUNK_BYTES = 256 * 1024
TIMEOUT_S = 30
REDIRECTS_MAX = 5
TRIES_MAX = int(os.environ.get("FAELLED_FETCH_TRIES", "6"))
BACK_OFF_S = float(os.environ.get("FAELLED_FETCH_BACK_OFF_S", "1"))
CA_FILES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


class FetchError(Exception):
    """What a person can act on."""


class Broken(Exception):
    """Cut off or refused for now: worth another try."""


def ssl_context():
    context = ssl.create_default_context()
    for name in CA_FILES:
        path = os.environ.get(name, "")
        if path and Path(path).is_file():
            context.load_verify_locations(path)
    return context


def origin(url):
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


class KeepCredentials(urllib.request.HTTPRedirectHandler):
    """A hub or an index redirects to stores of others: what proves who we are is for the place we were told to ask."""

    def redirect_request(self, asked, answer, code, reason, headers, url):
        onward = super().redirect_request(asked, answer, code, reason, headers, url)
        if onward and origin(url) != origin(asked.full_url):
            onward.remove_header("Authorization")
        return onward


def opener():
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=ssl_context()), KeepCredentials)


def request_of(url, headers=()):
    parts = urllib.parse.urlsplit(url)
    request_headers = {"User-Agent": "faelled-fetch", "Accept-Encoding": "identity", **dict(headers)}
    if parts.username:
        userinfo = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request_headers["Authorization"] = "Basic " + base64.b64encode(userinfo.encode()).decode()
        url = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return urllib.request.Request(url, headers=request_headers)


def shown(url):
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


class Progress:
    """One line that moves on a terminal, a line every few seconds elsewhere."""

    def __init__(self, name, total, start):
        self.name, self.total, self.first, self.done = name, total, start, start
        self.begun = self.told = time.monotonic()
        self.terminal = sys.stderr.isatty()

    def add(self, count):
        self.done += count
        now = time.monotonic()
        if now - self.told >= (0.2 if self.terminal else 5):
            self.told = now
            self.tell()

    def tell(self, end=False):
        elapsed = max(time.monotonic() - self.begun, 1e-3)
        rate = (self.done - self.first) / elapsed
        text = f"  {self.name}: {self.done / 1e6:.1f}"
        if self.total:
            text += f" of {self.total / 1e6:.1f} MB ({100 * self.done // self.total} %)"
        else:
            text += " MB"
        text += f", {rate / 1e6:.1f} MB/s"
        if end:
            text += f", {elapsed:.0f} s"
        elif self.total and rate > 0:
            left = int((self.total - self.done) / rate)
            text += f", {left // 60}:{left % 60:02} left"
        if self.terminal:
            sys.stderr.write("\r\x1b[K" + text + ("\n" if end else ""))
        else:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(CHUNK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def total_of(response, start):
    content_range = response.headers.get("Content-Range", "")
    if match := re.fullmatch(r"bytes \d+-\d+/(\d+)", content_range):
        return int(match.group(1))
    length = response.headers.get("Content-Length")
    return start + int(length) if length else None


def fetch_once(url, part, name, headers, validator):
    start = part.stat().st_size if part.exists() else 0
    wanted = dict(headers)
    if start:
        wanted["Range"] = f"bytes={start}-"
        if validator.get("etag"):
            wanted["If-Range"] = validator["etag"]
    try:
        with opener().open(request_of(url, wanted), timeout=TIMEOUT_S) as response:
            if start and response.status != 206:
                start = 0  # the server does not resume, or the file has changed
            elif start and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                raise Broken("the server sent another range than was asked")
            etag = response.headers.get("ETag", "")
            validator["etag"] = "" if etag.startswith("W/") else etag
            total = total_of(response, start)
            progress = Progress(name, total, start)
            free = shutil.disk_usage(part.parent).free
            if total and total - start > free:
                raise FetchError(f"{name} needs {total / 1e6:.0f} MB and {part.parent} has {free / 1e6:.0f} MB free;"
                                 " make room or set XDG_CACHE_HOME to another disk")
            with open(part, "ab" if start else "wb") as file:
                while block := response.read(CHUNK_BYTES):
                    file.write(block)
                    progress.add(len(block))
                file.flush()
                os.fsync(file.fileno())
            if total is not None and progress.done != total:
                raise Broken(f"the connection ended at {progress.done} of {total} bytes")
            progress.tell(end=True)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # our part is longer than the file: begin again
            part.unlink(missing_ok=True)
            raise Broken("the part on disk does not fit the file") from error
        if error.code in (408, 425, 429) or error.code >= 500:
            raise Broken(f"HTTP {error.code}") from error
        raise FetchError(f"{shown(url)}: HTTP {error.code} {error.reason}") from error
    except ssl.SSLCertVerificationError as error:
        raise FetchError(f"{shown(url)}: {error.verify_message}; name your CA bundle in SSL_CERT_FILE") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise FetchError(f"{shown(url)}: {error.reason.verify_message}; name your CA bundle in SSL_CERT_FILE") from error
        raise Broken(str(error.reason)) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, OSError) and error.errno == 28:
            raise FetchError(f"the disk with {part.parent} is full") from error
        raise Broken(str(error) or type(error).__name__) from error


def fetch(url, dest, sha256=None, headers=(), name=None):
    dest.parent.mkdir(parents=True, exist_ok=True)
    part = dest.with_name(dest.name + ".part")
    name, validator, wrong_hashes = name or dest.name, {}, 0
    if not sha256:
        part.unlink(missing_ok=True)  # nothing would tell whether an old part belongs to this file
    for attempt in range(TRIES_MAX):
        try:
            fetch_once(url, part, name, headers, validator)
            if sha256 and (found := sha256_of(part)) != sha256:
                part.unlink()
                wrong_hashes += 1
                if wrong_hashes == 2:
                    raise FetchError(f"{name}: the hash is {found}, it must be {sha256}; nothing was kept."
                                     " A proxy may have changed the file")
                raise Broken("wrong hash; once more from the start")
            os.replace(part, dest)
            return
        except Broken as error:
            if attempt + 1 == TRIES_MAX:
                raise FetchError(f"{shown(url)}: {error}; gave up after {TRIES_MAX} tries. What came is kept:"
                                 " the same command goes on from there") from error
            wait_s = BACK_OFF_S * 2**attempt
            print(f"  {name}: {error}; again in {wait_s:g} s", file=sys.stderr)
            time.sleep(wait_s)


def asked_patiently(url, ask):
    """What ask() returns; it is called again where the server cuts off or is busy."""
    for attempt in range(TRIES_MAX):
        try:
            return ask()
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code not in (408, 425, 429):
                raise FetchError(f"{shown(url)}: HTTP {error.code} {error.reason}") from error
            cause = f"HTTP {error.code}"
        except (OSError, http.client.HTTPException) as error:
            cause = str(error) or type(error).__name__
        if attempt + 1 < TRIES_MAX:
            wait_s = BACK_OFF_S * 2**attempt
            print(f"  {shown(url)}: {cause}; again in {wait_s:g} s", file=sys.stderr)
            time.sleep(wait_s)
    raise FetchError(f"{shown(url)}: {cause}; gave up after {TRIES_MAX} tries. Is the network or the proxy right?")


def read_url(url, headers=()):
    def ask():
        with opener().open(request_of(url, headers), timeout=TIMEOUT_S) as response:
            return response.read(), response.headers.get_content_type(), response.url

    return asked_patiently(url, ask)


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.hrefs = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.hrefs += [value for key, value in attrs if key == "href" and value]


def pip_index_url():
    if url := os.environ.get("PIP_INDEX_URL"):
        return url
    for key in ("global.index-url", "install.index-url", "download.index-url"):
        asked = subprocess.run([sys.executable, "-m", "pip", "config", "get", key], capture_output=True, text=True)
        if asked.returncode == 0 and asked.stdout.strip():
            return asked.stdout.strip()
    from pip._internal.models.index import PyPI  # pip's built-in default

    return PyPI.simple_url


def pypi_url(project, filename):
    index = pip_index_url().rstrip("/") + f"/{project}/"
    accept = {"Accept": "application/vnd.pypi.simple.v1+json, text/html;q=0.5"}
    body, content_type, final_url = read_url(index, accept)
    if content_type.endswith("json"):
        hrefs = [file["url"] for file in json.loads(body)["files"]]
    else:
        links = Links()
        links.feed(body.decode())
        hrefs = links.hrefs
    for href in hrefs:
        url = urllib.parse.urljoin(final_url, href).partition("#")[0]
        if urllib.parse.unquote(urllib.parse.urlsplit(url).path).endswith("/" + filename):
            return url
    raise FetchError(f"{filename} is not in the package index {shown(index)}")


def npm_url(package):
    asked = subprocess.run(["npm", "view", package, "dist.tarball"], capture_output=True, text=True)
    if asked.returncode != 0 or not asked.stdout.strip():
        raise FetchError(f"npm does not find {package}: {asked.stderr.strip()[-400:]}")
    return asked.stdout.strip().splitlines()[-1]


class KeepRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def hf_source(name):
    match = re.fullmatch(r"([\w.-]+/[\w.-]+)/([\w./+-]+)", name)
    if not match or ".." in name:
        raise FetchError(f"hf:{name} is no model file; write hf:owner/repo/file.gguf")
    base = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    url = f"{base}/{match.group(1)}/resolve/main/{urllib.parse.quote(match.group(2))}"
    headers = {"Authorization": "Bearer " + os.environ["HF_TOKEN"]} if os.environ.get("HF_TOKEN") else {}
    # The hash stands in a header of the hub's own answer: the store to which it redirects has another ETag, and a repository
    # that was renamed redirects on the hub first.
    plain = urllib.request.build_opener(urllib.request.HTTPSHandler(context=ssl_context()), KeepRedirect)
    asked = url
    for _ in range(REDIRECTS_MAX):
        request = request_of(asked, headers)
        request.method = "HEAD"

        def ask(request=request):
            try:
                with plain.open(request, timeout=TIMEOUT_S) as response:
                    return response.headers
            except urllib.error.HTTPError as error:
                if 300 <= error.code < 400:
                    return error.headers
                if error.code in (401, 403):
                    raise FetchError(f"{url}: HTTP {error.code} {error.reason}; set HF_TOKEN if the model asks for consent") from error
                raise

        answer = asked_patiently(asked, ask)
        etag = (answer.get("X-Linked-Etag") or answer.get("ETag") or "").removeprefix("W/").strip('"')
        if re.fullmatch(r"[0-9a-f]{64}", etag):
            return url, headers, etag
        moved = urllib.parse.urljoin(asked, answer.get("Location") or asked)
        if moved == asked or urllib.parse.urlsplit(moved)[:2] != urllib.parse.urlsplit(url)[:2]:
            break
        asked = moved
    raise FetchError(f"{url}: the hub does not tell its SHA-256, so nobody can tell whether it is whole; fetch it yourself and name the file")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind, sources in {"url": ["url"], "pypi": ["project", "filename"], "npm": ["package"], "hf": ["name"]}.items():
        sub = kinds.add_parser(kind)
        for source in sources:
            sub.add_argument(source)
        sub.add_argument("dest", type=Path)
        if kind != "hf":
            sub.add_argument("--sha256", required=kind != "url")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    headers, sha256 = {}, getattr(args, "sha256", None)
    if args.dest.exists() and (sha256 is None or sha256_of(args.dest) == sha256):
        return
    if args.kind == "url":
        url = args.url
    elif args.kind == "pypi":
        url = pypi_url(args.project, args.filename)
    elif args.kind == "npm":
        url = npm_url(args.package)
    else:
        url, headers, sha256 = hf_source(args.name)
    fetch(url, args.dest, sha256, headers)


if __name__ == "__main__":
    try:
        main()
    except FetchError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
