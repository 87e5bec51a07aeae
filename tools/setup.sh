#!/usr/bin/env bash
# Sets symnb up in this clone: system packages, .venv, the package with its extras.
#
# As root it installs the system packages that are missing; otherwise it lists them
# with the command to run. A stamp in .venv (pyproject.toml, this file, the Python)
# makes every later run a check of a few milliseconds that needs no network.
# PYTHON=/path/to/python chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
stamp=$venv/.symnb-stamp
extras='test,lab'

say() { printf '%s\n' "$*" >&2; }

# pip and Chromium want a home they can write to.
if [ -z "${HOME:-}" ] || [ ! -d "$HOME" ] || [ ! -w "$HOME" ]; then
  HOME=$(mktemp -d)
  export HOME
  trap 'rm -rf "$HOME"' EXIT
fi

is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }
has_headers() {
  "$1" -c 'import sys, sysconfig, os
sys.exit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))' 2>/dev/null
}

# The first complete Python >= 3.11, else the first Python >= 3.11, else nothing.
find_python() {
  local name path first=
  for name in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14 /usr/bin/python3}; do
    path=$(command -v "$name") || continue
    is_recent "$path" || continue
    if has_venv "$path" && has_headers "$path"; then
      printf '%s' "$path"
      return
    fi
    first=${first:-$path}
  done
  printf '%s' "$first"
}

has_compiler() { printf '#include <math.h>\n' | gcc -E - >/dev/null 2>&1; }
has_chromium() {
  command -v chromium || command -v chromium-browser || command -v google-chrome
} >/dev/null 2>&1

# Debian's name of a part of the Python in $1: python3-dev, or python3.12-dev when
# that Python is not the default one. Nothing for a Python that is not Debian's.
python_package() {
  local real default
  real=$(readlink -f "$1")
  default=$(readlink -f /usr/bin/python3 || true)
  case $real in
    "$default") printf 'python3-%s' "$2" ;;
    /usr/bin/python3*) printf '%s-%s' "$(basename "$real")" "$2" ;;
  esac
}

missing_packages() {
  if [ -z "$python" ]; then
    printf '%s\n' python3 python3-venv python3-dev
  else
    has_venv "$python" || python_package "$python" venv
    echo
    has_headers "$python" || python_package "$python" dev
    echo
  fi
  has_compiler || printf '%s\n' gcc libc6-dev
  command -v dot >/dev/null || echo graphviz
  has_chromium || echo chromium
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
}

# Quiet unless it fails; a machine that never updated its package list does so first.
install_packages() {
  local log
  log=$(mktemp)
  say "Installing $* with apt-get"
  { apt_install "$@" || { apt-get update -qq && apt_install "$@"; }; } >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2 && say "apt-get could not install all of them."; }
  rm -f "$log"
}

python=$(find_python)
mapfile -t missing < <(missing_packages | sed '/^$/d')
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    install_packages "${missing[@]}"
    python=$(find_python)
    mapfile -t missing < <(missing_packages | sed '/^$/d')
  fi
  if [ "${#missing[@]}" -gt 0 ]; then
    say "Missing on this machine: ${missing[*]}"
    say "  to install: sudo apt-get install ${missing[*]}"
    say "Without gcc nothing is compiled, without graphviz no dot pictures are drawn,"
    say "without chromium the browser tests are skipped; the rest works."
  fi
fi
if [ -z "$python" ]; then
  say "symnb needs Python 3.11 or newer; found $(python3 --version 2>&1 || echo none)."
  say "Fix: install one, or name it: make PYTHON=/path/to/python3.11"
  exit 1
fi

wanted=$(cat pyproject.toml tools/setup.sh | sha256sum | cut -d' ' -f1)
wanted="$wanted $("$python" -VV | tr '\n' ' ')"
if [ -x $venv/bin/python ] && [ "$(cat $stamp 2>/dev/null)" = "$wanted" ] &&
  $venv/bin/python -c '' 2>/dev/null; then
  exit 0
fi

if ! has_venv "$python"; then
  say "$python cannot make virtual environments (no ensurepip)."
  say "Fix: sudo apt-get install $(python_package "$python" venv)"
  exit 1
fi
if [ -d $venv ] && [ "$($venv/bin/python -VV 2>/dev/null)" != "$("$python" -VV)" ]; then
  say "Renewing $venv for $("$python" --version)"
  rm -rf $venv
fi
say "Setting up $venv with $("$python" --version) ($python)"
"$python" -m venv $venv
$venv/bin/python -m pip install -q --disable-pip-version-check -e ".[$extras]" >&2
printf '%s' "$wanted" >$stamp
say "Set up in $SECONDS s."
