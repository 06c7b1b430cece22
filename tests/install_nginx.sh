#!/bin/sh
# The test of several replicas puts the system's nginx before them: install it where that is possible.
set -eu
PATH=$PATH:/usr/sbin
command -v nginx >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing nginx for the test of several replicas …"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx-light >/dev/null
elif [ -z "${ALLOW_MISSING_SERVICES:-}" ]; then
  echo "The test of several replicas needs nginx: install it (Debian, Ubuntu: sudo apt-get install" >&2
  echo "nginx-light), or leave it out with ALLOW_MISSING_SERVICES=1." >&2
  exit 1
fi
