#!/usr/bin/env bash
# Installs what the project needs on Debian or Ubuntu: `bootstrap.sh run` for `make up`, `bootstrap.sh test` for `make test`.
# What is there already is left alone; a second call takes about a second.
set -euo pipefail
cd "$(dirname "$0")/../.."
goal=${1:?run or test}
venv=.venv
export DEBIAN_FRONTEND=noninteractive

say() { printf '%s\n' "$*"; }
fail() { printf 'bootstrap: %s\n' "$*" >&2; exit 2; }

packages=(prometheus prometheus-alertmanager nginx libnginx-mod-rtmp ffmpeg postgresql util-linux python3-venv fonts-dejavu-core fonts-wqy-microhei)
packages+=(gcc libc6-dev python3-dev)  # gunicorn's HTTP parser comes as C source, and our hot modules are compiled
if [ "$goal" = test ]; then
  packages+=(busybox-static iproute2)
  command -v dockerd > /dev/null || packages+=(docker.io)
  packages+=(chromium wrk victoria-metrics debian-archive-keyring patchelf poppler-utils)
fi
command -v node > /dev/null || packages+=(nodejs)
command -v npm > /dev/null || packages+=(npm)
command -v python3 > /dev/null || packages+=(python3)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  say "installing Debian packages: ${missing[*]}"
  as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || fail "run as root, or install: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  # The packages' own services would take our ports: keep them from starting while we install.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy > /dev/null
    "${as_root[@]}" chmod +x $policy
    trap '"${as_root[@]}" rm -f $policy' EXIT
  fi
  log=$(mktemp)
  "${as_root[@]}" apt-get update -qq > "$log" 2>&1 || { tail -5 "$log" >&2; fail "apt-get update failed"; }
  "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}" > "$log" 2>&1 \
    || { tail -20 "$log" >&2; fail "apt-get install failed"; }
  rm -f "$log"
fi

# The virtual environment, brought up to date when what it is made from has changed.
python=python3
for candidate in python3.13 python3.12 python3.11; do
  if "$candidate" -c 'import venv, ensurepip' 2> /dev/null; then python=$candidate; fi
done
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Python 3.11 or newer is needed"
pip() {
  local log
  log=$(mktemp)
  $venv/bin/python -m pip install -q --disable-pip-version-check "$@" > "$log" 2>&1 \
    || { tail -20 "$log" >&2; fail "pip install failed"; }
  rm -f "$log"
}
digest() { cat "$@" | sha256sum | cut -d' ' -f1; }
lock=requirements.lock
build=()
if [ "$goal" = test ]; then
  lock=requirements-dev.lock
  build=(--no-build-isolation)  # the build's own tools are among these packages
fi
want=$(digest pyproject.toml $lock)
if [ "$want" != "$(cat "$venv/.bootstrap-$goal" 2> /dev/null || true)" ]; then
  say "installing Python packages"
  [ -x $venv/bin/python ] || "$python" -m venv $venv
  pip --require-hashes -r $lock
  printf '%s' "$want" > "$venv/.bootstrap-$goal"
fi
want=$(digest pyproject.toml setup.py exporters/*.py $(find exporters/cdn exporters/viewers -name '*.py' | sort))
if [ "$want" != "$(cat "$venv/.bootstrap-build" 2> /dev/null || true)" ] || [ -z "$(find . -maxdepth 1 -name '*.so')" ]; then
  say "compiling the hot modules (about a minute)"
  pip "${build[@]}" --no-deps -e .
  printf '%s' "$want" > "$venv/.bootstrap-build"
fi

# Front-end packages and the console's bundle.
front=$(cat package-lock.json $(find bridge/console/src -type f | sort) | sha256sum | cut -d' ' -f1)
if [ "$front" != "$(cat node_modules/.bootstrap 2> /dev/null || true)" ] || [ ! -e bridge/console/dist/console.js ]; then
  say "building the console"
  npm ci --silent --no-audit --no-fund --ignore-scripts
  npm run --silent build
  printf '%s' "$front" > node_modules/.bootstrap
fi
