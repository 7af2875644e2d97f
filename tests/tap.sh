# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# Test scripts report in TAP. Source this file.
LC_ALL=C
export LC_ALL
count=0

# try NAME COMMAND... : a test that passes if the command does
try()
{
    name=$1
    shift
    count=$((count + 1))
    if output=$("$@" 2>&1); then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        echo "$output" | sed 's/^/# /'
    fi
}

# The last line.
finish()
{
    echo "1..$count"
}
