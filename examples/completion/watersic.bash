# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of watersic and watersic-llm in bash. The programs list commands and options themselves.
_watersic()
{
    local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} words=

    if [ "$COMP_CWORD" = 1 ]; then
        words=$("$program" --complete 2>/dev/null | cut -f 1)
    elif [ "${current#-}" != "$current" ]; then
        words=$("$program" --complete "${COMP_WORDS[1]}" 2>/dev/null | cut -f 1)
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o default -F _watersic watersic watersic-llm
