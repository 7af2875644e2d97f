# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the tests of the programs share.
LC_ALL=C
export LC_ALL
count=0

absolute()
{
    case $1 in
    /*) echo "$1" ;;
    *) echo "$PWD/$1" ;;
    esac
}

# begin PROGRAM: test this program, in an empty directory that goes away at the end
begin()
{
    program=$(absolute "$1")
    work=$(mktemp -d) || exit 1
    trap 'rm -rf "$work"' EXIT
    cd "$work" || exit 1
    : >out
    : >err
}

# report RESULT NAME [EXPLANATION]
report()
{
    count=$((count + 1))
    if [ "$1" = 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        echo "# ${3-}"
        sed 's/^/# stdout: /' out
        sed 's/^/# stderr: /' err
    fi
}

# skip NAME REASON
skip()
{
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

# run CODE NAME ARGUMENT... : run the program and expect an exit code
run()
{
    expected=$1
    name=$2
    shift 2
    "$program" "$@" >out 2>err </dev/null
    code=$?
    [ "$code" = "$expected" ]
    report $? "$name: exit code $expected" "exit code $code"
}

# says FILE TEXT NAME: the file holds the text
says()
{
    grep -qF -- "$2" "$1"
    report $? "$3" "no '$2' in $1"
}

# refused CODE TEXT NAME ARGUMENT... : one line on standard error, none on standard output
refused()
{
    code=$1
    text=$2
    name=$3
    shift 3
    run "$code" "$name" "$@"
    says err "$text" "$name: says why"
    [ ! -s out ] && [ "$(wc -l <err)" = 1 ] && [ "$(sed 's/:.*//' err)" = "${program##*/}" ]
    report $? "$name: one line on standard error, none on standard output"
}

# value FILE KEY: first value of a key in JSON as this program prints it
value()
{
    sed -n "s/^ *\"$2\": \\(.*[^,]\\),*\$/\\1/p" "$1" | head -n 1
}

# holds EXPRESSION NAME: an expression of awk is true
holds()
{
    awk "BEGIN { exit !($1) }" </dev/null
    report $? "$2" "not true: $1"
}

# has_keys NAME KEY... : standard output is JSON that holds the keys
has_keys()
{
    name=$1
    missing=
    shift
    for key in "$@"; do
        [ -n "$(value out "$key")" ] || missing="$missing $key"
    done
    [ -z "$missing" ]
    report $? "$name: JSON holds all keys" "missing:$missing"
    ! grep -qiE '(nan|inf)[,}]?$' out
    report $? "$name: all numbers of the JSON are finite or null"
}

# safetensors FILE HEADER DATA: a file of these bytes
safetensors()
{
    length=$(printf '%s' "$2" | wc -c)
    awk -v n="$length" 'BEGIN { for (i = 0; i < 8; i++) { printf "%03o\n", n % 256; n = int(n / 256) } }' |
        while read -r byte; do printf '%b' "\\0$byte"; done >"$1"
    printf '%s' "$2" >>"$1"
    cat "$3" >>"$1"
}

no_rest()
{
    rest=$(find . -name '*.tmp*' -o -name '.watersic*' -o -name '*.part')
    [ -z "$rest" ]
    report $? "$1: no partial file" "$rest"
}
