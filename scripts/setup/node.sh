#!/usr/bin/env bash
# Install the nodes that the devnet and the tests on a real chain use (anvil) from npm, as package-lock.json has them.
# Without npm nothing is installed and nothing fails: those tests are skipped and say so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if ! command -v npm >/dev/null; then
  echo "set-up: npm is not here, so there is no anvil: the tests that need it are skipped (install Node 20 or newer)"
  exit 0
fi
stamp=node_modules/.stun-lock
key=$(cksum <package-lock.json)
if [ "$(cat "$stamp" 2>/dev/null)" = "$key" ]; then
  exit 0
fi
echo "set-up: installing anvil from npm"
npm ci --no-fund --no-audit --ignore-scripts --loglevel=error >/dev/null
echo "$key" >"$stamp"
