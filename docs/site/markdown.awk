# SPDX-License-Identifier: MIT
# A document as Doxygen reads it for the site. Headings get names like those that GitHub gives them, with the
# name of the file in front, and links follow. Files that are no documents lie beside the pages.

function file_name(path) { sub(/.*\//, "", path); return path }

# Folder and name of a document, by which its headings are called; of those at the top "top", since that folder
# may have any name.
function page_name(path, part, count, above) {
    count = split(path, part, "/")
    sub(/\.md$/, "", part[count])
    above = count > 1 ? part[count - 1] : folder
    if (above == ".." || above == top)
        above = "top"
    return above "-" part[count]
}

function slug(title) {
    title = tolower(title)
    gsub(/[^a-z0-9 _-]/, "", title)
    gsub(/ /, "-", title)
    return title
}

# The address of a link in this document.
function target(address, part) {
    if (address ~ /^[a-z]+:/ || address ~ /\.md$/)
        return address
    if (address ~ /^#/)
        return "#" page "-" substr(address, 2)
    if (split(address, part, "#") == 2)
        return "#" page_name(part[1]) "-" part[2]
    return address ~ /include\/watersic$/ ? "files.html" : file_name(address)
}

function links(line, result, start) {
    result = ""
    while (match(line, /\]\([^)]*\)/)) {
        start = RSTART
        result = result substr(line, 1, start + 1) target(substr(line, start + 2, RLENGTH - 3)) ")"
        line = substr(line, start + RLENGTH)
    }
    return result line
}

# Doxygen wants the text of a link in one line.
function ends_within_link(line) { return line ~ /\[[^]]*$/ }
function closes_link(line) { return line ~ /^[^][]*\]\(/ }

function show(line)
{
    if (line ~ /^##/)
        print links(line) " {#" page "-" slug(substr(line, index(line, " ") + 1)) "}"
    else
        print links(line)
}

# Print the line that waits for the next one.
function show_waiting()
{
    if (waits)
        show(waiting)
    waits = 0
}

FNR == 1 {
    top = file_name(ENVIRON["DOC_SOURCE"])
    folder = FILENAME
    sub(/\/[^\/]*$/, "", folder)
    folder = file_name(folder)
    page = page_name(FILENAME)
}
waits && closes_link($0) { sub(/^ +/, ""); $0 = waiting " " $0; waits = 0 }
{ show_waiting() }
/^ *```/ { code = !code; print; next }
code { print; next }
ends_within_link($0) { waiting = $0; waits = 1; next }
{ show($0) }
END { show_waiting() }
