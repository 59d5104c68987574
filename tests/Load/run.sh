#!/usr/bin/env bash
# Compares fstore serve with the gRPC echo: servers on core 0; Redis and the load on core 1. Arguments: see Program.cs.
set -euo pipefail
cd "$(dirname "$0")"
dotnet build -c Release -v quiet >&2
exec taskset -c 1 dotnet bin/Release/net10.0/FeatureStore.Load.dll compare "$@"
