#!/usr/bin/env bash
# Make a virtual environment hold what a lock names: scripts/setup/environment.sh FOLDER LOCK [--checkout]
# Every file is checked against its hash in the lock. With --checkout this repository is installed in place, so that
# FOLDER/bin/stun runs the code you edit. Done already for the same lock: returns at once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$1 lock=$2 checkout=${3:-}
python=${PYTHON:-$(command -v python3.11 || command -v python3)}

digest() {
  "$python" - "$@" <<'PY'
import hashlib, pathlib, sys
print(hashlib.sha256(b"".join(pathlib.Path(name).read_bytes() for name in sys.argv[1:])).hexdigest())
PY
}

if ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
  echo "set-up: Python 3.11 is needed, $python is $("$python" -V 2>&1); set PYTHON=/path/to/python3.11" >&2
  exit 1
fi
stamp=$folder/.locks/$(basename "$lock")
key=$(digest "$lock" pyproject.toml requirements/uv.txt "${BASH_SOURCE[0]}")
if [ -x "$folder/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$key" ]; then
  exit 0
fi
if ! "$folder/bin/python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
  echo "set-up: making $folder"
  rm -rf "$folder"
  "$python" -m venv "$folder"
fi
if [ "$(cat "$folder/.locks/uv.txt" 2>/dev/null)" != "$(digest requirements/uv.txt)" ]; then
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
    -r requirements/uv.txt
  mkdir -p "$folder/.locks"
  digest requirements/uv.txt >"$folder/.locks/uv.txt"
fi
echo "set-up: installing $lock into $folder (the first time takes a minute or two)"
export VIRTUAL_ENV=$PWD/$folder
"$folder/bin/uv" pip install --quiet --require-hashes --no-deps -r "$lock"
if [ "$checkout" = --checkout ]; then
  "$folder/bin/uv" pip install --quiet --no-deps --no-build-isolation --editable .
fi
mkdir -p "$folder/.locks"
echo "$key" >"$stamp"
echo "set-up: $folder is ready"
