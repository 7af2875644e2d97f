#!/bin/sh
# SPDX-License-Identifier: MIT
# The tests of the bindings for Go, with a library that was built but not installed.
# Without Go 1.19 there is nothing to test (77).
# Usage: test.sh PKG_CONFIG_FOLDER LIBRARY_FOLDER REFERENCE WORK
# PKG_CONFIG_FOLDER has watersic-uninstalled.pc; REFERENCE is the program examples/bindings/reference.c;
# everything that is built goes into the folder WORK.
set -eu

reference=$3
work=$4
PKG_CONFIG_PATH=$1${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
LD_LIBRARY_PATH=$2${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
GOCACHE=$work/cache
GOFLAGS=-mod=readonly
GOPROXY=off
# Look at every pointer that goes to C.
GODEBUG=cgocheck=2
WATERSIC_REFERENCE=$work/reference.wsic
# Bytes depend on it, and threads that wait for each other take longer than such small products.
OPENBLAS_NUM_THREADS=1
export PKG_CONFIG_PATH LD_LIBRARY_PATH GOCACHE GOFLAGS GOPROXY GODEBUG WATERSIC_REFERENCE \
    OPENBLAS_NUM_THREADS

command -v go >/dev/null || { echo "go was not found" && exit 77; }
minor=$(go version | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p')
[ "${minor:-0}" -ge 19 ] || { echo "go 1.19 was not found" && exit 77; }

mkdir -p "$work"
"$reference" "$WATERSIC_REFERENCE"
cd "${0%/*}"
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "gofmt would change $unformatted" && exit 1; }
go vet .
exec go test -count=1 .
