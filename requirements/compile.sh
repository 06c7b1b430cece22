#!/bin/sh
# Pins every dependency of pyproject.toml with hashes; the smaller sets agree with the largest.
set -eu
compile() {
  output=$1
  shift
  "$pip_compile" --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
    --no-emit-options --no-emit-index-url --no-emit-find-links "$@" -o "$output" pyproject.toml
}
pip_compile=$1
compile requirements/dev.txt --extra local --extra train --extra dev
compile requirements/run.txt --extra local --extra train --constraint requirements/dev.txt
compile functions/requirements.txt --constraint requirements/dev.txt
compile requirements/load.txt --extra load --constraint requirements/dev.txt
# What the two images hold: the trainer's, and the local platform's.
compile requirements/train.txt --extra train --constraint requirements/dev.txt
compile requirements/serve.txt --extra local --constraint requirements/dev.txt
