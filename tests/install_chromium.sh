#!/bin/sh
# Makes sure that the browser tests find a Chromium; where none can be had, they say so and skip.
set -eu

for name in chromium-headless-shell chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done

as_root=""
if [ "$(id -u)" -ne 0 ]; then as_root="sudo"; fi
if command -v apt-get >/dev/null && { [ -z "$as_root" ] || command -v sudo >/dev/null; }; then
    $as_root apt-get update -q
    # the shell is in Debian only; it has no window, is smaller, and needs a third less of the CPU
    $as_root apt-get install -y -q chromium-headless-shell fonts-liberation && exit 0
    $as_root apt-get install -y -q chromium && exit 0
elif command -v brew >/dev/null; then
    brew install --cask chromium && exit 0
fi
echo "No Chromium was found or installed: the browser tests will be skipped." >&2
