# SPDX-License-Identifier: MIT
# Completion of watersic and watersic-llm in fish. The programs list commands and options themselves.
function __watersic_list
    set -l words (commandline -opc)
    if test (count $words) -eq 1
        $words[1] --complete 2>/dev/null | string replace -r '\t[^\t]*\t' '\t'
    else
        $words[1] --complete $words[2] 2>/dev/null | string replace -r '\t[^\t]*\t' '\t'
    end
end
# One program does not wrap the other: fish would ask that one for its commands.
for program in watersic watersic-llm
    complete -c $program -n 'test (count (commandline -opc)) -eq 1' -f -a '(__watersic_list)'
    complete -c $program -n 'string match -q -- "-*" (commandline -ct)' -a '(__watersic_list)'
end
