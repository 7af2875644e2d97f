#compdef watersic watersic-llm
# SPDX-License-Identifier: MIT
# Completion of watersic and watersic-llm in zsh. The programs list commands and options themselves.
local program=${words[1]}
local -a entries
local name kind help

if (( CURRENT == 2 )); then
    while IFS=$'\t' read -r name kind help; do
        entries+=("$name:$help")
    done < <($program --complete 2>/dev/null)
    _describe command entries
elif [[ ${words[CURRENT]} == -* ]]; then
    while IFS=$'\t' read -r name kind help; do
        entries+=("$name:${help:-$kind}")
    done < <($program --complete ${words[2]} 2>/dev/null)
    _describe option entries
else
    _files
fi
