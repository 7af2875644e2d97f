# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# Long checks print a table: what ran, how it ended, how long it took. Source this file.
# PARTS is a pattern of the shell for the names of the lines that shall run; without it, all.
LC_ALL=C
export LC_ALL
root=$(cd "$(dirname "$0")/../.." && pwd)
work=${WORK:-${TMPDIR:-/tmp}/watersic-checks}
failures=0
mkdir -p "$work"

# have TOOL... : all of them are there
have()
{
    for needed in "$@"; do
        command -v "$needed" >/dev/null 2>&1 || return 1
    done
}

# line RESULT SECONDS NAME
line()
{
    printf '%-8s %6s  %s\n' "$1" "$2" "$3"
}

# wanted NAME
wanted()
{
    # shellcheck disable=SC2254 # a pattern
    case $1 in
    ${PARTS:-*}) ;;
    *) return 1 ;;
    esac
}

# check NAME COMMAND... : run it with its output in a file; a line of the table
check()
{
    name=$1
    shift
    wanted "$name" || return 0
    log=$work/$(printf %s "$name" | tr -c 'A-Za-z0-9_.\n' '-').log
    begin=$(date +%s)
    if "$@" >"$log" 2>&1; then
        line ok "$(($(date +%s) - begin))" "$name"
    else
        failures=$((failures + 1))
        line FAILED "$(($(date +%s) - begin))" "$name: see $log"
    fi
}

# skip NAME WHY
skip()
{
    ! wanted "$1" || line skipped - "$1: $2"
}

# configure FOLDER OPTION... : a build beside the others, made or kept
configure()
{
    made=$work/$1
    shift
    [ -f "$made/build.ninja" ] || meson setup "$made" "$root" "$@"
}

# The build WORK/fuzz: the fuzz targets, and tests under the sanitizers of clang. Without -fno-sanitize-recover a finding of
# UndefinedBehaviorSanitizer is a line in the log, and no failure.
configure_clang_sanitized()
{
    CC="sh $root/tests/checks/clang.sh" configure fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
        -Dbench=disabled -Dbuildtype=debugoptimized -Doptimization=1 \
        -Dc_args="-fsanitize=fuzzer-no-link,float-cast-overflow -fno-sanitize-recover=all"
}

# Exit with the number of failures, at most 1.
conclude()
{
    echo "$failures failed"
    [ "$failures" = 0 ]
}
