#!/bin/sh
# Installs the bundle beside it on Debian 12, without a network: packages, binary, engine, service. As root. Runs again
# for an update, while the service is stopped; configuration and data are never touched.
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
root="${FAELLED_ROOT:-}"
say() { printf '%s\n' "$*"; }
die() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}
[ "$(id -u)" = 0 ] || die "run it as root"
[ -r /etc/os-release ] && . /etc/os-release
[ "${VERSION_ID:-}" = 12 ] || die "this bundle is for Debian 12, and this is ${PRETTY_NAME:-something else}"
[ "$(dpkg --print-architecture)" = "$(cat "$here/architecture")" ] || die "this bundle is for $(cat "$here/architecture")"

say "Checking the bundle"
(cd "$here" && sha256sum --quiet -c SHA256SUMS) || die "the bundle is damaged; copy it again"

# A running server would meet a newer engine, and after a crash come back as the newer binary without a backup.
case "$(systemctl is-active faelled 2>/dev/null || true)" in
  active | activating | reloading | deactivating)
    die "faelled is running; stop it, take a backup, run this again and start it (docs/operations.md, Update):
  systemctl stop faelled && systemctl start faelled-backup" ;;
esac

say "Packages"
if [ -n "$(dpkg --audit 2>/dev/null)" ]; then # an earlier run was cut off
  DEBIAN_FRONTEND=noninteractive dpkg --configure -a >/dev/null || say "dpkg could not finish what was begun; going on"
fi
set --
for file in "$here"/packages/*.deb; do
  name="$(dpkg-deb -f "$file" Package):$(dpkg-deb -f "$file" Architecture)"
  wanted="$(dpkg-deb -f "$file" Version)"
  # dpkg names a version of what is removed or only unpacked too.
  have="$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$name" 2>/dev/null | sed -n 's/^installed //p')"
  if [ -z "$have" ] || dpkg --compare-versions "$have" lt "$wanted"; then set -- "$@" "$file"; fi
done
if [ $# -gt 0 ]; then
  DEBIAN_FRONTEND=noninteractive dpkg -i "$@" >/dev/null || die "dpkg refused; what it said stands above"
fi

say "Binary, engine, documents"
mkdir -p "$root/usr/local/bin" "$root/usr/local/share/faelled" "$root/etc/faelled" "$root/etc/systemd/system"
tar -xzf "$here"/faelled-*.tar.gz -C "$root/usr/local/share/faelled" --strip-components=1
put() { # whole, or the old one stays
  install -m 755 "$1" "$root/usr/local/bin/$2.new"
  mv "$root/usr/local/bin/$2.new" "$root/usr/local/bin/$2"
}
put "$root/usr/local/share/faelled/bin/faelled" faelled
if [ -f "$here/llama-server" ]; then put "$here/llama-server" llama-server; fi
install -m 644 "$root"/usr/local/share/faelled/deploy/systemd/faelled* "$root/etc/systemd/system/"
chmod 750 "$root/etc/faelled"

getent group faelled >/dev/null || groupadd --system faelled
getent passwd faelled >/dev/null ||
  useradd --system --gid faelled --home-dir /var/lib/faelled --shell /usr/sbin/nologin faelled
chgrp faelled "$root/etc/faelled"
if [ ! -e "$root/var/lib/faelled" ]; then # the service would make it; a restore comes before
  mkdir -p "$root/var/lib"
  mkdir -m 700 "$root/var/lib/faelled"
  chown faelled: "$root/var/lib/faelled"
fi
if [ ! -e "$root/etc/faelled/faelled.yaml" ]; then
  printf '%s\n' '# docs/configuration.md has every key.' 'listen: 127.0.0.1:9400' 'data: /var/lib/faelled' 'models: []' \
    >"$root/etc/faelled/faelled.yaml"
  chown root:faelled "$root/etc/faelled/faelled.yaml"
  chmod 640 "$root/etc/faelled/faelled.yaml"
fi
"$root/usr/local/bin/faelled" check "$root/etc/faelled/faelled.yaml" || say "All is in place; look at what is said above."
say "Installed $("$root/usr/local/bin/faelled" --version). Name your models in /etc/faelled/faelled.yaml, then:"
say "  systemctl daemon-reload && systemctl enable --now faelled faelled-backup.timer"
