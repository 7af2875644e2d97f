#!/bin/sh
# SPDX-License-Identifier: MIT
# Coverage of lib/ by the tests: lines and branches of every file, those that are least covered first.
# Usage: coverage.sh [SUITE...]   names of tests; without any, all but scripts
# WORK is the folder for builds and logs; the report is WORK/coverage.txt, and line by line in WORK/coverage.html.
set -u
# shellcheck source=tests/checks/table.sh
. "$(dirname "$0")/table.sh"

have gcovr || {
    echo "coverage.sh: gcovr is not installed" >&2
    exit 1
}

# What runs on other processors only: its tests are `cross`, `stream_emulated` and `decode_emulated`.
other_processors='.*/(arm|x86)/.*(neon|avx512).*'

# Only lib/ counts, and so the tests need not. At -O0 the tests take several times as long. -O1 merges no branches of
# the source with each other, but makes values of some: a < b ? a : b is no branch then.
measure()
{
    configure coverage -Db_coverage=true -Doptimization=1 -Ddebug=true -Db_ndebug=true -Dbench=disabled \
        '-Dc_args=-fprofile-filter-files=lib/.*' &&
        meson test -C "$work/coverage" --no-suite scripts --timeout-multiplier 5 "$@"
}

report()
{
    gcovr --root "$root" --filter "$root/lib/" --exclude "$other_processors" --exclude-throw-branches \
        --sort-uncovered --txt "$work/coverage.txt" --html-details "$work/coverage.html" --json "$work/coverage.json" \
        --print-summary --fail-under-line 95 --fail-under-branch 85 "$work/coverage"
}

check "tests with coverage" measure "$@"
check "lines at least 95 %, branches at least 85 %" report
sed -n 's/^\(lines\|branches\): */\1 /p' "$work"/lines-at-least-*.log
conclude
