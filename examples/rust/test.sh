#!/bin/sh
# SPDX-License-Identifier: MIT
# The tests of the bindings for Rust, with a library that was built but not installed.
# Without cargo and rustc 1.63 there is nothing to test (77).
# Usage: test.sh PKG_CONFIG_FOLDER LIBRARY_FOLDER REFERENCE WORK
# PKG_CONFIG_FOLDER has watersic-uninstalled.pc; REFERENCE is the program examples/bindings/reference.c;
# everything that is built goes into the folder WORK.
set -eu

reference=$3
work=$4
PKG_CONFIG_PATH=$1${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
LD_LIBRARY_PATH=$2${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
CARGO_HOME=$work/home
CARGO_TARGET_DIR=$work/target
CARGO_TERM_COLOR=never
CARGO_INCREMENTAL=0
CARGO_PROFILE_DEV_DEBUG=0
WATERSIC_REFERENCE=$work/reference.wsic
# Bytes depend on it, and threads that wait for each other take longer than such small products.
OPENBLAS_NUM_THREADS=1
export PKG_CONFIG_PATH LD_LIBRARY_PATH CARGO_HOME CARGO_TARGET_DIR CARGO_TERM_COLOR CARGO_INCREMENTAL \
    CARGO_PROFILE_DEV_DEBUG WATERSIC_REFERENCE OPENBLAS_NUM_THREADS

command -v cargo >/dev/null || { echo "cargo was not found" && exit 77; }
minor=$(rustc --version | sed -n 's/^rustc 1\.\([0-9]*\)\..*/\1/p')
[ "${minor:-0}" -ge 63 ] || { echo "rustc 1.63 was not found" && exit 77; }

mkdir -p "$work"
"$reference" "$WATERSIC_REFERENCE"
cd "${0%/*}"
exec cargo test --offline --locked --quiet
