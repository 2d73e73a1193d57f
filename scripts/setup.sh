#!/usr/bin/env bash
# Make .venv ready for one purpose: `base` sings, `dev` checks and tests as well, `train` makes voices.
# apt is asked only for what is missing, and only where there is apt.
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=$1

python_is_new_enough() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for name in ${PYTHON:-} python3.11 python3.12 python3.13 python3 python; do
        if command -v "$name" >/dev/null && python_is_new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

apt_install() {
    if ! command -v apt-get >/dev/null; then
        echo "error: this machine lacks $*, and has no apt-get to install it with. Install it, then run make again." >&2
        exit 1
    fi
    local as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@"
}

if ! [ -x .venv/bin/python ]; then
    find_python >/dev/null || apt_install python3 python3-venv python3-dev
    python=$(find_python) || { echo "error: Python 3.11 or newer is needed; set PYTHON=/path/to/it." >&2; exit 1; }
    "$python" -m venv .venv
fi

case $purpose in
    base) packages=(--editable .) ;;
    dev) packages=(--editable '.[dev]') ;;
    train) packages=(--editable '.[dev,train]') ;;
    *) echo "usage: scripts/setup.sh base|dev|train" >&2; exit 2 ;;
esac
if [ "$purpose" != base ] && ! command -v c++ >/dev/null; then
    apt_install g++ python3-dev # pyworld, which only tests and training need, is built from source
fi
if [ "$purpose" != base ] && ! command -v redis-server >/dev/null; then
    apt_install redis-server # the tests start their own
fi
.venv/bin/python -m pip install --quiet --no-compile --disable-pip-version-check "${packages[@]}"
