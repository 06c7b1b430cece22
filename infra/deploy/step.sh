#!/bin/sh
# Runs make in a step of Cloud Build, after installing what the step's image lacks of it.
set -eu
lacking=
command -v make >/dev/null || lacking="$lacking make"
python3 -c 'import ensurepip' 2>/dev/null || lacking="$lacking python3-venv"
if [ -n "$lacking" ]; then
  apt-get update -qq
  # shellcheck disable=SC2086  # a list of names
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $lacking >/dev/null
fi
exec make "$@"
