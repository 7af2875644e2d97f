#!/bin/sh
# SPDX-License-Identifier: MIT
# Coverage of lib/ by the tests: lines and branches of every file, those that are least covered first.
# Usage: coverage.sh [SUITE...]   names of tests; without any, all
# WORK is the folder for builds and logs; the report is WORK/coverage.txt, and line by line in WORK/coverage.html.
set -u
# shellcheck source=tests/checks/table.sh
. "$(dirname "$0")/table.sh"

have gcovr || {
    echo "coverage.sh: gcovr is not installed" >&2
    exit 1
}

# What no test can reach on this machine: kernels for other processors.
other_processors='.*/(arm|x86)/.*(neon|avx512).*'

measure()
{
    configure coverage -Db_coverage=true -Dbuildtype=debug -Db_ndebug=true -Dbench=disabled &&
        meson test -C "$work/coverage" "$@"
}

report()
{
    gcovr --root "$root" --object-directory "$work/coverage" --filter "$root/lib/" --exclude "$other_processors" \
        --exclude-throw-branches --sort-uncovered --txt "$work/coverage.txt" \
        --html-details "$work/coverage.html" --print-summary --fail-under-line 95 --fail-under-branch 85
}

check "tests with coverage" measure "$@"
check "lines at least 95 %, branches at least 85 %" report
sed -n 's/^\(lines\|branches\): */\1 /p' "$work"/lines-at-least-*.log
conclude
