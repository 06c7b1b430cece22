#!/bin/sh
# Builds ocellus-trainer and ocellus-functions with buildah, which needs no daemon.
#
# BASE: an image in place of the pinned one, where Docker Hub cannot be reached.
# BUILD_ARGS: more arguments for `buildah build`, such as `--volume` of a proxy's certificate.
set -eu
cd "$(dirname "$0")/../.."
for image in trainer functions; do
  case $image in trainer) folder=training_job ;; *) folder=functions ;; esac
  # shellcheck disable=SC2086
  buildah build --layers=false --file $folder/Dockerfile --tag localhost/ocellus-$image \
    ${BASE:+--build-arg "BASE=$BASE"} --build-arg "REVISION=$(git rev-parse HEAD)" \
    --timestamp "$(git log -1 --format=%ct)" ${BUILD_ARGS:-} .
done
