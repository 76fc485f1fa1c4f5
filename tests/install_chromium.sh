#!/bin/sh
# Makes sure that the browser tests find a Chromium; where none can be had, they say so and skip.
set -eu

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done

as_root=""
if [ "$(id -u)" -ne 0 ]; then as_root="sudo"; fi
if command -v apt-get >/dev/null && { [ -z "$as_root" ] || command -v sudo >/dev/null; }; then
    $as_root apt-get update -q && $as_root apt-get install -y -q chromium && exit 0
elif command -v brew >/dev/null; then
    brew install --cask chromium && exit 0
fi
echo "No Chromium was found or installed: the browser tests will be skipped." >&2
