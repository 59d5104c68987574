#!/usr/bin/env bash
# Brings the foreign gRPC clients that tests/Interop runs, where it may: Debian's Python client, and the Node one from the lock file.
# Else it names what is missing; those tests then skip at a desk and fail when CI is set.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
/usr/bin/python3 -c 'import grpc, google.protobuf' 2>/dev/null || missing+=(python3-grpcio python3-protobuf)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [ "${#missing[@]}" -gt 0 ]; then
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
    if command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then
        "${as_root[@]}" apt-get update -qq
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
    else
        echo "Missing for some tests: ${missing[*]}. Install these packages; without them those tests are skipped." >&2
        [ -z "${CI:-}" ] || exit 3
        exit 0
    fi
fi

# npm's own record of what it installed; older than the lock file means another version.
installed=node/node_modules/.package-lock.json
if [ ! -f "$installed" ] || [ node/package-lock.json -nt "$installed" ]; then
    (cd node && npm ci --ignore-scripts --no-audit --no-fund --silent)
    touch "$installed"
fi
