#!/usr/bin/env bash
# Installs the servers that tests start, where it may: with apt-get, as root or by sudo without a password.
# Else it names what is missing; those tests then skip at a desk and fail when CI is set.
set -euo pipefail

# program:package, one a line; a further server joins here.
servers=(
    redis-server:redis-server
    pg_ctlcluster:postgresql-15
    swift-proxy-server:swift-proxy
    swift-account-server:swift-account
    swift-container-server:swift-container
    swift-object-server:swift-object
    memcached:memcached
)

missing=()
for server in "${servers[@]}"; do
    command -v "${server%%:*}" >/dev/null || missing+=("${server#*:}")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
if command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then
    # No package may start a server of its own: tests start theirs.
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq "${missing[@]}" >/dev/null
else
    echo "Missing for some tests: ${missing[*]}. Install these packages; without them those tests are skipped." >&2
    [ -z "${CI:-}" ] || exit 3
fi
