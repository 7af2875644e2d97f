#!/bin/sh
# SPDX-License-Identifier: MIT
# Run a test of this directory with a Python that has NumPy; without one it is skipped.
# Usage: run_test.sh LIBRARY TEST [ARGUMENT...]
set -eu

WATERSIC_LIBRARY=$1
PYTHONDONTWRITEBYTECODE=1
export WATERSIC_LIBRARY PYTHONDONTWRITEBYTECODE
shift

# A Python that the user has installed may hide the one that the system's NumPy belongs to.
for python in python3 /usr/bin/python3; do
    if "$python" -c 'import numpy' 2>/dev/null; then
        exec "$python" -X faulthandler "$@"
    fi
done
echo "no Python with NumPy"
exit 77
