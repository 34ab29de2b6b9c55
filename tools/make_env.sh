#!/usr/bin/env bash
# Usage: tools/make_env.sh VENV LOCK
# Create the virtual environment VENV if it is missing, and install the packages that LOCK pins and this project into it.
# PYTHON=... names the interpreter; without it, python3 is used if it is suitable, else the newest suitable one on the path.
# The script changes nothing outside VENV and the project.
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
  echo "error: no Python from 3.11 to 3.13 on the path. Received: $(python3 --version 2>/dev/null || echo none)." >&2
  echo "Install one (Debian, Ubuntu: apt-get install python3 python3-venv) or name it: make env PYTHON=python3.12" >&2
  return 1
}

# Debian and Ubuntu ship the module that makes environments in a package of its own. Installing it is the user's decision.
require_ensurepip() {
  local version
  "$1" -c 'import ensurepip' >/dev/null 2>&1 && return
  version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  echo "error: $1 (Python $version) cannot make an environment: its module ensurepip is missing." >&2
  if command -v apt-get >/dev/null 2>&1; then
    echo "Run this as root, then try again: apt-get install python$version-venv" >&2
  else
    echo "Install your system's venv package for Python $version, then try again." >&2
  fi
  return 1
}

if [ ! -x "$venv/bin/pip" ]; then
  python=$(find_python)
  require_ensurepip "$python"
  echo "Creating $venv with $("$python" --version) ..."
  "$python" -m venv --clear "$venv"
fi
echo "Installing the packages in $lock (the first time this takes some minutes) ..."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
