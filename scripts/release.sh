# shellcheck shell=bash disable=SC2154
# A release: one tarball whose bytes depend on the sources alone, its bill of materials, checksums and their signature.
# Sourced after setup.sh.

# The time that everything in a release carries: the commit's.
release_epoch() { git -C "$root" log -1 --format=%ct 2>/dev/null || echo 0; }

release_version() { sed -n 's/^project(faelled VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt"; }

# build_for_release FOLDER: the release binary, built in FOLDER from nothing, without anything cached.
build_for_release() {
  build_ui
  rm -rf "$1"
  step env -C "$root" CCACHE_DISABLE=1 cmake --preset release -B "$1" || die "cmake could not set up $1"
  step env CCACHE_DISABLE=1 nice ninja -C "$1" -j "$cores" faelled || die "the release did not build"
}

# pack BINARY FOLDER: FOLDER/faelled-VERSION-ARCH.tar.gz of it.
pack() {
  local binary="$1" out="$2" version name stage file
  version="$(release_version)"
  name="faelled-$version-linux-$(uname -m)"
  stage="$out/stage/$name"
  rm -rf "$out/stage"
  mkdir -p "$stage/bin"
  cp "$binary" "$stage/bin/faelled"
  strip --strip-debug --remove-section=.comment "$stage/bin/faelled" || die "strip failed"
  for file in LICENSE README.md CHANGELOG.md SECURITY.md ARCHITECTURE.md HACKING.md; do cp "$root/$file" "$stage/"; done
  cp -r "$root/deploy" "$root/share" "$stage/"
  cp -r "$root/docs" "$stage/"
  mkdir "$stage/bench" && cp "$root/bench/README.md" "$stage/bench/"
  SOURCE_DATE_EPOCH="$(release_epoch)" /usr/bin/python3 "$root/scripts/sbom.py" "$stage/bin/faelled" \
    --version "$version" --out "$stage/sbom.cdx.json" || die "the bill of materials could not be made"
  find "$stage" -type d -exec chmod 755 {} + -o -type f -exec chmod 644 {} +
  chmod 755 "$stage/bin/faelled"
  find "$stage" -name '*.sh' -exec chmod 755 {} +
  tar --sort=name --mtime="@$(release_epoch)" --owner=0 --group=0 --numeric-owner --format=posix \
    --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime -C "$out/stage" -cf - "$name" | gzip -n -9 >"$out/$name.tar.gz"
  cp "$stage/sbom.cdx.json" "$out/$name.sbom.cdx.json"
  rm -rf "$out/stage"
}

# sign FOLDER [KEY]: SHA256SUMS of what lies there, and its signature by an Ed25519 key where one is named.
sign() {
  local out="$1" key="${2:-}"
  (cd "$out" && find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%f\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
  rm -f "$out/SHA256SUMS.sig"
  if [[ -z "$key" ]]; then
    say "Not signed: name an Ed25519 key with FAELLED_RELEASE_KEY (made by: openssl genpkey -algorithm ed25519 -out KEY)."
    return
  fi
  openssl pkeyutl -sign -rawin -inkey "$key" -in "$out/SHA256SUMS" -out "$out/SHA256SUMS.sig" || die "$key cannot sign"
  say "Signed. Whoever has the public key proves it with:"
  say "  openssl pkeyutl -verify -rawin -pubin -inkey PUBLIC_KEY -in SHA256SUMS -sigfile SHA256SUMS.sig && sha256sum -c SHA256SUMS"
}

# bundle BINARY ENGINE FOLDER: a folder that installs on a bare Debian 12 without a network.
bundle() {
  local binary="$1" engine="$2" out="$3" packages
  rm -rf "$out"
  mkdir -p "$out/packages/partial"
  pack "$binary" "$out"
  cp "$engine" "$out/llama-server"
  cp "$root/scripts/install.sh" "$out/"
  dpkg --print-architecture >"$out/architecture"
  mapfile -t packages < <(for file in "$binary" "$engine"; do ldd "$file"; done | awk '$3 ~ "^/" { print $3 }' | sort -u |
    while read -r library; do
      dpkg -S "$library" 2>/dev/null || dpkg -S "${library#/usr}" 2>/dev/null || dpkg -S "/usr$library"
    done | cut -d: -f1 | sort -u)
  ((${#packages[@]})) || die "no package owns the libraries of $binary"
  title "Debian packages of the bundle"
  # As if nothing were installed here: all that a bare machine may lack. Nothing is installed.
  step apt-get -q -y -o Dir::State::status=/dev/null -o "Dir::Cache::archives=$out/packages" -o APT::Sandbox::User=root \
    -o Debug::NoLocking=1 -o Acquire::Retries=5 --no-install-recommends --download-only install "${packages[@]}" ca-certificates ||
    die "apt-get could not fetch the packages; has 'apt-get update' run?"
  rm -rf "$out/packages/partial" "$out/packages/lock"
  local sums
  sums="$(cd "$out" && find . -type f -printf '%P\n' | LC_ALL=C sort | xargs sha256sum)"
  printf '%s\n' "$sums" >"$out/SHA256SUMS"
  say "$out: $(du -sh "$out" | cut -f1). Copy it over and run install.sh there as root."
}
