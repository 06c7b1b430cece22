#!/bin/sh
# Installs a lock into /opt/venv, for an image: nothing in it depends on when it was built.
set -eu
python -m venv --without-pip /opt/venv
python -m pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --require-hashes -r "$1"
cd /opt/venv/lib/python3*/site-packages
# TensorFlow's C++ headers and the packages' own tests run nowhere.
rm -rf tensorflow/include
find . -depth -type d -name tests -exec rm -rf {} +
# The file system is read-only later. Bytecode that is checked against no file has no time in it.
python -m compileall -q --invalidation-mode unchecked-hash .
