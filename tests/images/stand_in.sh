#!/bin/sh
# Makes localhost/python:stand-in of Debian's packages, for a machine that reaches Debian and not
# Docker Hub. As root: sh tests/images/stand_in.sh
set -eu
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include=ca-certificates,python3-pip,python3-venv \
  bookworm "$root" http://deb.debian.org/debian >/dev/null
ln -s python3 "$root/usr/bin/python"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
made=$(buildah from scratch)
buildah copy --quiet "$made" "$root" / >/dev/null
buildah commit --quiet --rm "$made" localhost/python:stand-in
