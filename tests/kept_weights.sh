# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# What decoders make of archives that were kept. Source this file.

# decodes_kept PROGRAM FOLDER NAME OUTPUT: the program writes the floats that stand behind the header of the .npy file
decodes_kept()
{
    "$1" "$2/$3.wsic" >"$4" &&
        tail -c "$(wc -c <"$4")" "$2/$3.npy" | cmp - "$4" &&
        [ -s "$4" ]
}
