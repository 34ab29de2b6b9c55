#!/usr/bin/env bash
# Usage: tools/make_env.sh VENV LOCK
# Make the virtual environment VENV if it is missing and install what LOCK pins into it.
# PYTHON=... names the interpreter; without it the newest suitable one on the path is taken.
set -euo pipefail
venv=$1 lock=$2

suits() { # a CPython that TensorFlow has wheels for
  command -v "$1" >/dev/null 2>&1 &&
    "$1" -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13)))' >/dev/null 2>&1
}

find_python() {
  if [ -n "${PYTHON:-}" ]; then
    suits "$PYTHON" && echo "$PYTHON" && return
    echo "error: PYTHON=$PYTHON is not a Python from 3.11 to 3.13." >&2
    return 1
  fi
  for name in python3 python3.13 python3.12 python3.11; do
    suits "$name" && echo "$name" && return
  done
  echo "error: no Python from 3.11 to 3.13 on the path. Received: $(python3 --version 2>&1 || echo none)." >&2
  echo "Install one (Debian, Ubuntu: apt-get install python3 python3-venv) or name it: make env PYTHON=python3.12" >&2
  return 1
}

# Debian and Ubuntu keep the part of Python that makes environments in a package of its own.
install_venv_module() {
  local version run=()
  version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "error: this Python has no ensurepip module, which makes environments. Install your system's venv package." >&2
    return 1
  fi
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
      echo "error: Python's venv package is missing. As root: apt-get install python$version-venv" >&2
      return 1
    fi
    run=(sudo)
  fi
  echo "Installing the system package python$version-venv, without which Python cannot make environments ..."
  "${run[@]}" apt-get -qq update
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "python$version-venv" >/dev/null
}

if [ ! -x "$venv/bin/pip" ]; then
  python=$(find_python)
  "$python" -c 'import ensurepip' 2>/dev/null || install_venv_module "$python"
  echo "Making $venv with $("$python" --version) ..."
  "$python" -m venv --clear "$venv"
fi
echo "Installing what $lock pins (the first time this takes some minutes) ..."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
