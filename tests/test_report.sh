#!/bin/sh
# SPDX-License-Identifier: MIT
# watersic report: what the page says, that no name gets out of its place, and in a browser without
# a window, where there is one, that a click sorts.
# Usage: test_report.sh WATERSIC CLI_DATA WATERSIC_LLM EXAMPLES_DATA
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

data=$(absolute "$2")
llm=$(absolute "$3")
examples=$(absolute "$4")
begin "$1"
"$data" make || exit 1
OPENBLAS_NUM_THREADS=1
export OPENBLAS_NUM_THREADS

"$llm" quantize --model "$examples/tinylm" --tensors '*.1.self_attn.?_proj*,*.1.mlp.*' --data-free \
    --rate 2 --preset fast -o two.wsic >out 2>err &&
    "$llm" quantize --model "$examples/tinylm" --tensors '*.1.self_attn.?_proj*' --data-free \
        --rate 3 --preset fast -o three.wsic >out 2>err &&
    "$llm" pack --model "$examples/tinylm" --archive three.wsic -o packed >out 2>err
report $? "archives and a directory are made"

# cells FILE COLUMN COLUMNS: the numbers of a column of the table of layers, as the page has them;
# COLUMNS is how many columns of numbers there are
cells()
{
    grep '^<tr><td title=' "$1" | sed 's/<td/\n<td/g' | grep '^<td data-value' |
        sed 's/.*data-value="\([^"]*\)".*/\1/' | awk -v step="$3" -v number="$2" 'NR % step == number % step'
}

# --- what it says ----------------------------------------------------------------------------

run 0 "report" report two.wsic -o two.html
[ ! -s out ]
report $? "nothing is printed"
[ "$(grep -c '^<tr><td title=' two.html)" = 7 ]
report $? "a line for every layer"
"$program" info two.wsic --json >out
bytes=$(sed -n 's/^ *"bytes": \([0-9]*\),*$/\1/p' out | tail -n +2 | sort -n | tr '\n' ' ')
figures=$(grep '^<tr><td title=' two.html | head -n 1 | grep -o '<td data-value' | wc -l)
[ "$(cells two.html 3 "$figures" | sort -n | tr '\n' ' ')" = "$bytes" ] && [ -n "$bytes" ]
report $? "the bytes of the layers are those that info tells" "$(cells two.html 3 "$figures" | tr '\n' ' ')"
# The widths of the bar's parts are shares of the whole.
holds "($(grep -o 'style="width:[0-9.]*' two.html | sed 's/.*://' | tr '\n' '+')0 - 100) ^ 2 < 0.0001" \
    "parts of the size add up"
[ "$(grep -c '<details id=' two.html)" = 7 ] && [ "$(grep -c '<svg ' two.html)" = 23 ]
report $? "every layer is drawn"
run 0 "report of a directory" report packed -o packed.html
! grep -iqE '(src|href)="?(http|//|file:)|url\(|@import|<link|<iframe' two.html
report $? "the page needs nothing else"
! grep -E '<td|<path|<text|<circle' two.html packed.html | grep -qiE '[^a-z](nan|inf)[^a-z]'
report $? "all numbers are finite"
grep -q 'tensors as in the checkpoint' packed.html
report $? "a directory has other tensors"
run 0 "report on two" report two.wsic --compare packed -o both.html
grep -q 'compared with packed' both.html && [ "$(grep -c 'distortion, ratio' both.html)" = 1 ]
report $? "two are compared"
grep -q '<tr class="differs"><td>' both.html
report $? "parameters that differ are marked"
run 0 "report of a layer" report two.wsic --layer model.layers.1.mlp.up_proj.weight -o one.html
[ "$(grep -c '<details id=' one.html)" = 1 ]
report $? "one layer is drawn"

# With the covariance of its input: eigenvalues are drawn, and the limit is known.
run 0 "quantize a matrix" quantize --weights w.npy --stats s.npy --rate 2 -o q.wsic
run 0 "report with statistics" report q.wsic --layer w --stats s.npy -o spectrum.html
grep -q 'eigenvalues of the covariance' spectrum.html && grep -q 'least rate for it' spectrum.html
report $? "the spectrum is drawn"
cp spectrum.html before.html
run 0 "report again" report q.wsic --layer w --stats s.npy -o spectrum.html
cmp -s spectrum.html before.html
report $? "the same page every time"

# --- hostile names ------------------------------------------------------------------------------

evil='</td></table><script>document.title="evil"</script><img src=x onerror=alert(1)>"'"'"'&amp;'
run 0 "quantize under a hostile name" quantize --weights w.npy --stats s.npy --rate 2 --name "$evil" \
    -o evil.wsic
cp evil.wsic '<b>&.wsic'
run 0 "report on it" report '<b>&.wsic' --compare evil.wsic -o evil.html
[ "$(grep -c '<script>' evil.html)" = 1 ] && ! grep -qE '<img|<b>|onerror=alert\(1\)>"' evil.html
report $? "names are no markup"
grep -qF '&lt;script&gt;document.title=&quot;evil&quot;' evil.html
report $? "names stay what they are"

# --- bad input ------------------------------------------------------------------------------------

refused 2 "no archive and no directory is given" "no input" report -o x.html
refused 2 "--output is missing" "no output" report two.wsic
refused 2 "--stats is of the input of one layer" "statistics of which layer" report two.wsic \
    --stats s.npy -o x.html
refused 1 "two.wsic: holds no layer 'h'" "no such layer" report two.wsic --layer h -o x.html
refused 1 "the statistics are of 256 inputs, but the layer has 192" "statistics of another layer" \
    report two.wsic --layer model.layers.1.mlp.up_proj.weight --stats s.npy -o x.html
refused 1 "missing.wsic: " "no such file" report missing.wsic -o x.html
refused 1 "has no coded tensors" "an ordinary checkpoint" report "$examples/tinylm" -o x.html
refused 1 "it would be lost" "the page onto the archive" report two.wsic -o two.wsic
refused 1 "none/x.html: cannot be written" "a page nowhere" report two.wsic -o none/x.html
head -c 3000 two.wsic >short.wsic
refused 1 "short.wsic: " "a file that is cut" report short.wsic -o x.html
[ ! -e x.html ]
report $? "what was refused leaves no page"
no_rest "reports"

# --- in a browser ------------------------------------------------------------------------------------

browser=
for name in chromium chromium-browser google-chrome; do
    [ -n "$browser" ] || browser=$(command -v $name)
done

# driven PAGE SCRIPT: what the script leaves in the title, after the page has run
driven()
{
    sed "s|</body>|<script>$2</script></body>|" "$1" >driven.html
    HOME=$work timeout 60 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$work/browser" \
        --virtual-time-budget=3000 --dump-dom "file://$work/driven.html" 2>err | sed -n 's/.*<title>\(.*\)<\/title>.*/\1/p'
}
show='document.title=[...document.querySelectorAll("#layers tbody tr")].map(r=>r.cells[N].dataset.value).join(" ");'
click='document.querySelectorAll("#layers th button")[N].click();'
if [ -n "$browser" ] && [ "$(driven two.html 'document.title="works"')" = works ]; then
    for column in 3 7; do
        expected=$(cells two.html $column "$figures" | sort -g | tr '\n' ' ')
        title=$(driven two.html "$(printf '%s%s' "$click" "$show" | sed "s/N/$column/g")")
        [ "$title " = "$expected" ]
        report $? "a click sorts column $column" "$title, not $expected"
        expected=$(cells two.html $column "$figures" | sort -gr | tr '\n' ' ')
        title=$(driven two.html "$(printf '%s%s%s' "$click" "$click" "$show" | sed "s/N/$column/g")")
        [ "$title " = "$expected" ]
        report $? "a second click sorts it the other way" "$title, not $expected"
    done
    title=$(driven two.html 'document.querySelector("#layers th button").click();document.title=document.querySelector("#layers td").textContent;')
    [ "$title" = "$(grep -o 'td title="[^"]*' two.html | sed 's/.*"//' | sort | head -n 1)" ]
    report $? "names are sorted too" "$title"
    # What one of the two lacks comes last in both directions.
    column=$((figures + 1))
    for clicks in "$click" "$click$click"; do
        title=$(driven both.html "$(printf '%s%s' "$clicks" "$show" | sed "s/N/$column/g")")
        [ "$(echo "$title" | wc -w)" = 4 ] && [ "$title" != "${title%   }" ]
        report $? "what is not known comes last" "$title"
    done
    [ "$(driven evil.html 'document.title=document.title+document.images.length;')" = '&lt;b&gt;&amp;.wsic0' ]
    report $? "nothing of a hostile name runs"
    title=$(driven two.html 'document.title=document.documentElement.scrollWidth<=document.documentElement.clientWidth;')
    [ "$title" = true ]
    report $? "the page is as wide as the window"
else
    skip "a browser sorts and runs nothing else" "no browser that runs without a window"
fi

echo "1..$count"
