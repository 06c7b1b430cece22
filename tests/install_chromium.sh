#!/bin/sh
# The browser tests drive the system's Chromium: find it, install it where that is possible.
set -eu
command -v "${CHROMIUM:-chromium}" >/dev/null && exit 0
command -v chromium-browser >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Chromium for the browser tests …"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
elif [ -z "${ALLOW_MISSING_SERVICES:-}" ]; then
  echo "The browser tests need Chromium: install it (Debian, Ubuntu: sudo apt-get install chromium;" >&2
  echo "elsewhere set CHROMIUM to its path), or leave them out with ALLOW_MISSING_SERVICES=1." >&2
  exit 1
fi
