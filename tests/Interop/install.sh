#!/usr/bin/env bash
# Brings the foreign gRPC clients that tests/Interop runs: Debian's Python client, and the Node one from the lock file.
set -euo pipefail
cd "$(dirname "$0")"

if ! /usr/bin/python3 -c 'import grpc, google.protobuf' 2>/dev/null; then
  apt-get update -qq
  apt-get install -y -qq python3-grpcio python3-protobuf >/dev/null
fi
command -v npm >/dev/null || { apt-get update -qq; apt-get install -y -qq nodejs npm >/dev/null; }
if [ ! -f node/node_modules/.package-lock.json ] || [ node/package-lock.json -nt node/node_modules/.package-lock.json ]; then
  (cd node && npm ci --ignore-scripts --no-audit --no-fund --silent)
  touch node/node_modules/.package-lock.json
fi
