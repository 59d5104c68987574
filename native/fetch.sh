#!/usr/bin/env bash
# Brings the native library that 'fstore train' needs into native/<rid>/: XGBoost 1.7.4 as Debian 12 builds it, with what it links to. Needs apt, not root.
# Versions and hashes are pinned; what is there already is not fetched again.
set -euo pipefail
home="$(cd "$(dirname "$0")" && pwd)"
target="$home/linux-x64"
packages=(
  "libxgboost0 1.7.4-1 91a9c8a05c732e0ae8f5d85172c3a0f49bcf3aecdd671ecf8bb82566a42efb9d libxgboost.so.0"
  "libdmlc0 0.5-1 110b0ec2715ec0a047ff797cd215f999b7f7bbdc276685fd0021a45a74cfffe5 libdmlc.so.0"
  "libgomp1 12.2.0-14+deb12u1 48fec46bda7f5b1638b9e959889bfbc20491247d402d120bb152687eb48143d7 libgomp.so.1"
)

missing=()
for package in "${packages[@]}"; do
  [ -s "$target/${package##* }" ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

fail() { echo "native/fetch.sh: $1 Everything but 'fstore train' works without it." >&2; exit 3; }
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || fail "XGBoost is pinned for Linux on x64 alone."
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || fail "There is no apt here; install XGBoost 1.7.4 (libxgboost.so.0) by other means, or put it into $target."

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
for package in "${missing[@]}"; do
  read -r name version sha file <<< "$package"
  if ! (cd "$work" && apt-get download "$name=$version" >apt.log 2>&1); then
    # A security update takes the pinned build of GCC's runtime away; the system's own is as good.
    if [ "$name" = libgomp1 ] && ldconfig -p 2>/dev/null | grep -q "libgomp.so.1 "; then continue; fi
    fail "apt cannot download $name=$version ($(grep -m1 '^E:' "$work/apt.log" || echo 'no reason given')); on Debian 12 run 'apt-get update' first."
  fi
  deb="$(ls "$work/${name}_"*.deb)"
  [ "$(sha256sum "$deb" | cut -d' ' -f1)" = "$sha" ] || fail "$(basename "$deb") does not have the pinned SHA-256 $sha; it is not used."
  dpkg-deb -x "$deb" "$work/tree"
  mkdir -p "$target"
  cp -L "$work"/tree/usr/lib/*/"$file" "$target/.$file.new"
  mv "$target/.$file.new" "$target/$file"
done
