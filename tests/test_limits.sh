#!/bin/sh
# SPDX-License-Identifier: MIT
# The programs on a full disk and with few open files: an error in one line, in time, and the file that was there
# before is as it was. (Limits of a file's size and of memory: test_cli_faults.sh, test_llm_stopped.sh.)
# Usage: test_limits.sh WATERSIC CLI_DATA WATERSIC_LLM EXAMPLES_DATA
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

# A file system of its own needs a process that may mount one: this script once more, as root of a name space.
disk=yes
if [ "${WATERSIC_TEST_MOUNTS-}" = "" ]; then
    if unshare -rm sh -c 'mount -t tmpfs none /mnt' 2>/dev/null; then
        WATERSIC_TEST_MOUNTS=yes exec unshare -rm sh "$0" "$@"
    fi
    disk=no
fi

data=$(absolute "$2")
llm=$(absolute "$3")
models=$(absolute "$4")
begin "$1"
"$data" make || exit 1
run 0 "an archive to work with" quantize -w w.npy -s s.npy -r 2 -o q.wsic
small=$PWD/small
mkdir "$small"

# disk KIBIBYTES : an empty file system of this size
disk()
{
    umount "$small" 2>/dev/null
    mount -t tmpfs -o size="$1k" none "$small"
}

# failed TEXT NAME COMMAND... : ends within a minute with exit code 1 and one line that says so
failed()
{
    text=$1
    name=$2
    shift 2
    timeout 60 "$@" >out 2>err </dev/null
    code=$?
    [ "$code" = 1 ] && [ "$(wc -l <err)" = 1 ]
    report $? "$name: exit code 1 and one line" "exit code $code"
    says err "$text" "$name: the reason is told"
}

# full KIBIBYTES OUTPUT NAME COMMAND... : the disk has an older file of the output's name, and is too small for another
full()
{
    size=$1
    output=$small/$2
    name=$3
    shift 3
    disk "$size"
    echo "an older file" >"$output"
    cp "$output" older
    failed "No space left on device" "$name" "$@"
    cmp -s older "$output"
    report $? "$name: the older file is as it was"
    [ "$(find "$small" -type f ! -name '*.part' | wc -l)" = 1 ]
    report $? "$name: nothing else is there" "$(ls -la "$small")"
}

# quantize_model OPTION... : the arguments of a short run of watersic-llm
quantize_model()
{
    "$llm" quantize --model "$models/tinylm" --tokens "$models/calibration.txt" --max-tokens 512 --rate 2 \
        --preset fast --plan equal "$@"
}

full_disks()
{
    for size in 4 8 12; do
        full "$size" a.wsic "an archive on a disk of $size KiB" "$program" quantize -w w.npy -s s.npy -r 2 -o "$small/a.wsic"
        full "$size" a.npy "an array on a disk of $size KiB" "$program" dequantize q.wsic -o "$small/a.npy"
        full "$size" a.wstat "statistics on a disk of $size KiB" "$program" stats -a x1.npy -o "$small/a.wstat"
    done
    disk 256
    echo "an older file" >"$small/m.wsic"
    quantize_model -o "$small/m.wsic" >out 2>err </dev/null
    code=$?
    [ "$code" = 1 ] && grep -q "No space left on device" err && [ "$(cat "$small/m.wsic")" = "an older file" ]
    report $? "a model on a full disk: exit code 1, the reason, the older file" "exit code $code"
    mount -o remount,size=4096k "$small"
    quantize_model -o "$small/m.wsic" >out 2>err </dev/null
    report $? "with more room the run goes on"
    quantize_model -o here.wsic >out 2>err </dev/null
    cmp -s here.wsic "$small/m.wsic"
    report $? "to the bytes of a run that had room from the start"
    disk 16
    failed "No space left on device" "a directory of a packed model" "$llm" pack --model "$models/tinylm" \
        --archive here.wsic -o "$small/packed"
    [ ! -e "$small/packed" ]
    report $? "a directory that is not complete has not its name" "$(ls -la "$small")"
    umount "$small"
}

# files NUMBER COMMAND... : in a process that may have this many open files
files()
{
    number=$1
    shift
    # shellcheck disable=SC2016 # a script for the inner shell
    timeout 60 sh -c 'ulimit -n "$0" || exit 126; exec "$@"' "$number" "$@" >out 2>err </dev/null
    code=$?
}

# Three are open from the beginning. With each further one the program gets further; with all of them it ends well.
few_files()
{
    name=$1
    output=$2
    shift 2
    good=0
    bad=0
    for number in 3 4 5 6 7 8 10 12 16 32; do
        rm -rf "$output"
        files "$number" "$@"
        # 127 and 126: not even the loader could open what it needs.
        case $code in
        0) good=$((good + 1)) ;;
        1) [ ! -e "$output" ] && [ "$(wc -l <err)" -le 2 ] || bad=$((bad + 1)) ;;
        126 | 127) ;;
        *) bad=$((bad + 1)) ;;
        esac
        [ "$bad" = 0 ] || break
    done
    [ "$bad" = 0 ]
    report $? "$name with few open files: an error and no output" "$number files: exit code $code"
    [ "$good" -gt 0 ] && [ "$code" = 0 ]
    report $? "$name with 32 open files: succeeds" "exit code $code"
}

if [ "$disk" = yes ]; then
    full_disks
else
    skip "full disks" "no file system can be mounted here"
fi
few_files "an archive" b.wsic "$program" quantize -w w.npy -s s.npy -r 2 -o b.wsic
few_files "an array" b.npy "$program" dequantize q.wsic -o b.npy
few_files "statistics" b.wstat "$program" stats -a x1.npy -o b.wstat
quantize_model -o model.wsic >out 2>err </dev/null
report $? "an archive of a model to work with"
few_files "a packed model" packed "$llm" pack --model "$models/tinylm" --archive model.wsic -o packed
no_rest "all of this"
echo "1..$count"
