#!/bin/sh
# install_packages.sh PYTHON LOCK: installs what a lock file lists; pip checks every file's hash.
# With TORCH_INDEX, torch and torchvision come from that index instead and the CUDA libraries (3 GB)
# are left out: for machines without a GPU, with the address that pytorch.org gives for them.
set -eu

python=$1 lock=$2
install() { "$python" -m pip install --disable-pip-version-check "$@"; }

if [ -z "${TORCH_INDEX:-}" ]; then
    install --require-hashes -r "$lock"
    exit
fi
# shellcheck disable=SC2046  # two words
install --no-deps --index-url "$TORCH_INDEX" $(grep -E '^torch(vision)?==' requirements.txt)
rest=$(mktemp)
trap 'rm -f "$rest"' EXIT
awk '/^[a-z]/ { keep = !/^(torch|torchvision|triton|nvidia-[a-z0-9-]+|cuda-[a-z]+)==/ || /^nvidia-ml-py/ } keep' "$lock" >"$rest"
install --require-hashes --no-deps -r "$rest"
