#!/usr/bin/env bash
# Resolve requirements/*.in into locks with hashes: scripts/setup/lock.sh [--upgrade]. An existing lock keeps its
# versions where its .in allows them; --upgrade takes the newest of everything. No lock names a registry.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

compile() { # compile LOCK INPUT... [OPTION...]
  local lock=$1
  shift
  echo "resolving requirements/$lock"
  (cd requirements && ../.venv/bin/uv pip compile --quiet --python-version 3.11 --generate-hashes \
    --no-emit-index-url --custom-compile-command "make lock" "$@" --output-file "$lock")
}

compile uv.txt uv.in "$@"
compile runtime.txt runtime.in "$@"
compile dev.txt runtime.in dev.in --constraint runtime.txt "$@"
compile torch.txt torch.in --constraint dev.txt "$@"
compile weights.txt weights.in --no-deps "$@"
compile lint.txt lint.in "$@"
