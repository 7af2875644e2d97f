#!/bin/sh
# SPDX-License-Identifier: MIT
# What shells complete is what --help tells, command by command; and manual pages name every option and
# are clean.
# Usage: test_completion.sh WATERSIC WATERSIC_LLM SOURCE_ROOT
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

llm=$(absolute "$2")
root=$(absolute "$3")
begin "$1"

# told PROGRAM COMMAND: options that its help lists, "--[no-]name" as two
told()
{
    "$1" "$2" --help | grep -E '^  +(-[a-zA-Z], )?--' | sed 's/--\[no-\]\([a-z-]*\)/--\1 --no-\1/' |
        awk '{ for (i = 1; i <= 3; i++) if ($i ~ /^--[a-z]/) print $i }' | sort -u
}

for name in "$program" "$llm"; do
    short=${name##*/}
    "$name" --complete | cut -f 1 | sort >listed
    "$name" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | sort >expected
    cmp -s listed expected && [ -s listed ]
    report $? "$short: commands" "$(diff listed expected)"
    while read -r command <&3; do
        "$name" --complete "$command" | cut -f 1 | sort >listed
        told "$name" "$command" >wanted
        cmp -s listed wanted && [ -s listed ]
        report $? "$short $command: options" "$(diff listed wanted)"
        missing=
        while read -r option; do
            grep -qE "F[lL] -${option#--}( |$)|\\\\-\\\\-${option#--}|Fl -\[?no-]?${option#--no-}|Fl -${option#--no-}" \
                "$root/docs/man/$short.1" || missing="$missing $option"
        done <listed
        [ -z "$missing" ]
        report $? "$short $command: the manual page has its options" "$missing"
    done 3<expected
    [ -z "$("$name" --complete nothing)" ]
    report $? "$short: a command that is none has no options"
done

if command -v bash >/dev/null; then
    # completed WORD...: what bash offers for the last of them
    completed()
    {
        PATH=${program%/*}:${llm%/*}:$PATH bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _watersic
            printf "%s " "${COMPREPLY[@]}"' bash "$root/examples/completion/watersic.bash" "$@"
    }
    [ "$(completed watersic qu)" = 'quantize ' ] && [ "$(completed watersic-llm rest)" = 'restore ' ]
    report $? "bash completes commands" "$(completed watersic qu)"
    [ "$(completed watersic report --com)" = '--compare ' ]
    report $? "bash completes options" "$(completed watersic report --com)"
    [ "$(completed watersic-llm eval --other)" = '--other-checkpoint ' ]
    report $? "bash completes options of watersic-llm" "$(completed watersic-llm eval --other)"
    [ "$(completed watersic info a.w)" = ' ' ]
    report $? "and leaves files to the shell"
else
    skip "bash" "there is none"
fi
# fish has it installed under the names of both programs, and asks them by what stands on the line.
if command -v fish >/dev/null; then
    # offered LINE: what fish offers for the last word
    offered()
    {
        # shellcheck disable=SC2016 # fish expands it
        PATH=${program%/*}:${llm%/*}:$PATH HOME=$work fish --no-config -c \
            'source $argv[1]; complete -C "$argv[2]"' "$root/examples/completion/watersic.fish" "$1" | cut -f 1 | tr '\n' ' '
    }
    for line in 'watersic qu:quantize ' 'watersic-llm rest:restore ' 'watersic report --com:--compare ' \
        'watersic-llm eval --other:--other-checkpoint ' 'watersic info exp:expected '; do
        [ "$(offered "${line%%:*}")" = "${line#*:}" ]
        report $? "fish completes: ${line%%:*}" "$(offered "${line%%:*}")"
    done
else
    skip "fish" "there is none"
fi

# zsh completes on a terminal alone: one of its own is typed into.
if command -v zsh >/dev/null; then
    mkdir functions
    cp "$root/examples/completion/watersic.zsh" functions/_watersic
    cat >type.zsh <<'END'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1='> '; unsetopt zle_bracketed_paste; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D"
zpty -w shell "tell() { print -r -- \"got[\$BUFFER]\"; zle kill-buffer }; zle -N tell; bindkey '^X' tell; print REA''DY"
zpty -r -m shell line '*READY*'
zpty -w -n shell "$2"$'\t'$'\x18'
zpty -r -m shell line '*got\[*\]*'
print -r -- "${${line##*got\[}%%\]*}"
END
    # typed LINE: what it becomes
    typed()
    {
        PATH=${program%/*}:${llm%/*}:$PATH HOME=$work timeout 30 zsh -f type.zsh "$work/functions" "$1"
    }
    for line in 'watersic qu:quantize ' 'watersic-llm rest:restore ' 'watersic report --com:--compare ' \
        'watersic-llm eval --other:--other-checkpoint ' 'watersic info exp:expected '; do
        words=${line%%:*}
        [ "$(typed "$words")" = "${words% *} ${line#*:}" ]
        report $? "zsh completes: $words" "$(typed "$words")"
    done
else
    skip "zsh" "there is none"
fi
if command -v mandoc >/dev/null; then
    for page in "$root"/docs/man/*.1; do
        mandoc -T lint "$page" 2>&1 | grep -v -e 'referenced manual not found' -e 'outdated mandoc.db' >out
        [ ! -s out ]
        report $? "${page##*/} is clean"
    done
else
    skip "manual pages" "there is no mandoc"
fi

echo "1..$count"
