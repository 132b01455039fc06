# shellcheck shell=bash disable=SC2034
# What run, test and dev share: where things lie, words to the user, and steps that end when we are told to end.
# Sourced; expects `root` to be the top of the source tree.

set -euo pipefail
: "${root:?}"

cache="${XDG_CACHE_HOME:-$(cd ~ && pwd)/.cache}/faelled"
build="$root/build"
cores="$(nproc)"
export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
export LC_ALL=C.UTF-8

say() { printf '%s\n' "$*" >&2; }
title() { printf '\n== %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Bash answers a signal only after its foreground child has ended, so every long step runs in the background in a process
# group of its own. The group gets TERM, then KILL, when we are told to stop; PDEATHSIG ends its leader if we are killed.
step_pid=""
beside_pids=()
any_group_lives() {
  local pid
  for pid in "$@"; do kill -0 -- "-$pid" 2>/dev/null && return 0; done
  return 1
}
# groups_end_within TENTHS PID…
groups_end_within() {
  local tenths
  for ((tenths = 0; tenths < $1; tenths++)); do
    any_group_lives "${@:2}" || return 0
    sleep 0.1
  done
  return 1
}
stop_step() {
  local pid groups=("${beside_pids[@]}")
  [[ -z "$step_pid" ]] || groups+=("$step_pid")
  ((${#groups[@]})) || return 0
  for pid in "${groups[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
  if ! groups_end_within 50 "${groups[@]}"; then
    for pid in "${groups[@]}"; do kill -KILL -- "-$pid" 2>/dev/null || true; done
    groups_end_within 20 "${groups[@]}" || true
  fi
  step_pid=""
  beside_pids=()
}
on_signal() {
  trap '' INT TERM HUP
  say ""
  say "Stopping."
  stop_step
  exit "$1"
}
trap 'on_signal 130' INT
trap 'on_signal 143' TERM
trap 'on_signal 129' HUP

# step COMMAND…: runs it so; its exit status is ours. Its standard output goes to standard error, or to step_fd.
step_fd=2
step() {
  local status=0
  set -m
  setpriv --pdeathsig TERM -- "$@" </dev/null >&"$step_fd" &
  step_pid=$!
  set +m
  wait "$step_pid" || status=$?
  step_pid=""
  return "$status"
}

# beside FUNCTION WORD…: runs it beside us, in a group that ends with us as a step's does. Its process is $!.
beside() {
  set -m
  "$@" </dev/null &
  beside_pids+=($!)
  set +m
}

# content_hash PATH…: one hash over the names and bytes of all files under the paths (below root), build outputs left out.
content_hash() {
  (
    cd "$root"
    local path there=()
    for path in "$@"; do [[ ! -e "$path" ]] || there+=("$path"); done
    find "${there[@]}" \( -name node_modules -o -name dist -o -name __pycache__ -o -name generated \) -prune -o -type f -print0 |
      sort -z | xargs -0 sha256sum | sha256sum | cut -c1-32
  )
}

# up_to_date STAMP HASH: was this very content done before? done_with STAMP HASH notes that it is.
up_to_date() { [[ -f "$1" && "$(<"$1")" == "$2" ]]; }
done_with() {
  mkdir -p "$(dirname "$1")"
  printf '%s' "$2" >"$1.new"
  mv "$1.new" "$1"
}

# lock FOLDER WHAT: one WHAT at a time there. Who holds the lock may take it again, and gives it back as often. That is
# before a server starts: it would inherit the descriptor.
declare -A lock_times=() lock_fds=()
lock() {
  lock_times["$1"]=$((${lock_times["$1"]:-0} + 1))
  ((lock_times["$1"] == 1)) || return 0
  local fd
  mkdir -p "$1"
  exec {fd}>"$1/lock"
  lock_fds["$1"]=$fd
  if ! flock -n "$fd"; then
    say "Another $2 is under way in $1; waiting for it."
    step flock "$fd"
  fi
}
unlock() {
  lock_times["$1"]=$((lock_times["$1"] - 1))
  ((lock_times["$1"] == 0)) || return 0
  local fd="${lock_fds["$1"]}"
  exec {fd}>&-
}
lock_cache() { lock "$cache" set-up; }
unlock_cache() { unlock "$cache"; }
