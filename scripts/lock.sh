#!/bin/sh
# Writes the lock files again after a change of dependencies; needs pip-tools on PATH.
set -eu
cd "$(dirname "$0")/.."
common="--quiet --no-header --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --allow-unsafe --generate-hashes --all-build-deps"
pip-compile $common -o requirements.lock pyproject.toml
pip-compile $common --extra dev -o requirements-dev.lock pyproject.toml
pip-compile $common --extra names -o requirements-names.lock pyproject.toml
pip-compile $common --extra c2pa -o requirements-c2pa.lock pyproject.toml
