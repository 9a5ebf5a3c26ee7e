#!/usr/bin/env bash
# All mails on sheets one can look through: every HTML file of a folder (as CODEVD_MAILS=FOLDER
# cargo test --test all golden:: writes them) is shown at 360 and 700 px, light and dark.
#
#   tests/browser/sheet.sh MAILS OUT [PATTERN]
#
# OUT gets index.html, to scroll through, and sheets in PNG: NAME-WIDTH-SCHEME-NN.png. PATTERN is
# a shell pattern of file names without .html ("*.fr", "digest*"), all of them without it.
# Needs nothing but Chromium; CHROMIUM names another one, SCHEMES="light" and WIDTHS="360" do less.
set -euo pipefail
shopt -s nullglob

mails=${1:?usage: sheet.sh MAILS OUT [PATTERN]}
out=${2:?usage: sheet.sh MAILS OUT [PATTERN]}
pattern=${3:-*}
read -r -a schemes <<<"${SCHEMES:-light dark}"
read -r -a widths <<<"${WIDTHS:-360 700}"
room=2200 # a sheet's greatest height in px, unless one mail alone is longer

browser=${CHROMIUM:-}
for name in chromium chromium-browser google-chrome; do
    [ -n "$browser" ] || browser=$(command -v "$name" || true)
done
[ -n "$browser" ] || { echo "sheet.sh: no Chromium found; install it or set CHROMIUM" >&2; exit 2; }

files=()
for file in "$mails"/*.html; do
    name=${file##*/}
    # shellcheck disable=SC2053 # the pattern is meant as one
    [[ ${name%.html} == $pattern ]] && files+=("$file")
done
[ ${#files[@]} -gt 0 ] || { echo "sheet.sh: no mail $pattern in $mails" >&2; exit 1; }

mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A start that hangs is ended after a minute and made again with a fresh profile; the third ends the script.
# The pictures need no network, and without one Chromium's own calls home are what it hangs on.
chromium() {
    local try
    for try in 1 2 3; do
        timeout --kill-after=5 60 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
            --disable-background-networking --disable-component-update --disable-sync --hide-scrollbars \
            --user-data-dir="$work/profile-$try" --run-all-compositor-stages-before-draw "$@" \
            >"$work/said" 2>"$work/log" </dev/null && { cat "$work/said"; return; }
        echo "sheet.sh: Chromium did not end well (try $try)" >&2
        rm -rf "$work/profile-$try"
    done
    cat "$work/log" >&2
    return 1
}

# The mail as the value of srcdoc="…".
inside() { sed -e 's/&/\&amp;/g' -e 's/"/\&quot;/g' "$1"; }

label() { local name=${1##*/}; printf '%s' "${name%.html}"; }

head_of() { # title
    printf '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>%s</title><style>
body{margin:8px 0 0 8px;font:12px/16px sans-serif;background:#8a8a8a;color:#000}
figure{display:inline-block;vertical-align:top;margin:0 8px 8px 0}
figcaption{height:16px;overflow:hidden;white-space:nowrap}
iframe{border:0;display:block}</style>\n' "$1"
}

# How high each mail is at each width: one page with all of them, which writes the heights down.
measure() { # width
    local width=$1 page=$work/measure-$1.html file
    {
        head_of measure
        for file in "${files[@]}"; do
            printf '<iframe data-name="%s" width="%s" height="100" srcdoc="%s"></iframe>\n' \
                "$(label "$file")" "$width" "$(inside "$file")"
        done
        printf '<pre id="heights"></pre><script>addEventListener("load",()=>{
document.getElementById("heights").textContent=[...document.querySelectorAll("iframe")].map(f=>{
const d=f.contentDocument.documentElement;
return "height "+f.dataset.name+" "+Math.ceil(f.contentDocument.body.getBoundingClientRect().height)+" "+d.scrollWidth}).join("\\n");
document.querySelectorAll("iframe").forEach(f=>f.remove())})</script>\n'
    } >"$page"
    chromium --dump-dom "file://$page" | sed -n 's/^.*\(height [^ <]* [0-9]* [0-9]*\).*$/\1/p' |
        cut -d' ' -f2- >"$work/heights-$width"
    local wide
    wide=$(awk -v w="$width" '$3 > w { print $1 " is " $3 " px wide at " w }' "$work/heights-$width")
    [ -z "$wide" ] || { echo "sheet.sh: wider than the screen:" >&2; echo "$wide" >&2; broad=1; }
}

# One sheet: columns of mails, filled from the left.
shoot() { # name width scheme
    local name=$1 width=$2 scheme=$3 columns=$((1500 / ($2 + 8)))
    local -a row=()
    local tallest=0 total=0 number=0 file height
    flush() {
        [ ${#row[@]} -gt 0 ] || return 0
        number=$((number + 1))
        local page=$work/sheet.html picture f count=0 line=0 sum=0
        picture=$out/$(printf '%s-%s-%s-%02d.png' "$name" "$width" "$scheme" "$number")
        {
            head_of "$name"
            for f in "${row[@]}"; do
                height=$(awk -v n="$(label "$f")" '$1 == n { print $2 }' "$work/heights-$width")
                printf '<figure><figcaption>%s</figcaption><iframe width="%s" height="%s" srcdoc="%s"></iframe></figure>' \
                    "$(label "$f")" "$width" "$height" "$(inside "$f")"
                [ "$height" -le "$line" ] || line=$height
                count=$((count + 1))
                if [ $((count % columns)) -eq 0 ]; then sum=$((sum + line + 30)); line=0; fi
            done
            [ "$line" -eq 0 ] || sum=$((sum + line + 30))
        } >"$page"
        chromium --blink-settings=preferredColorScheme=$([ "$scheme" = dark ] && echo 0 || echo 1) \
            --window-size=$((columns * (width + 8) + 16)),$((sum + 24)) --screenshot="$picture" "file://$page" >/dev/null
        [ -s "$picture" ] || { echo "sheet.sh: no $picture" >&2; cat "$work/log" >&2; exit 1; }
        row=(); tallest=0; total=0
    }
    for file in "${files[@]}"; do
        height=$(awk -v n="$(label "$file")" '$1 == n { print $2 }' "$work/heights-$width")
        [ -n "$height" ] || { echo "sheet.sh: $(label "$file") did not render" >&2; exit 1; }
        # A new row of columns begins: is there room for it on this sheet?
        if [ $((${#row[@]} % columns)) -eq 0 ]; then
            total=$((total + tallest)); tallest=0
            [ $((total + height)) -le "$room" ] || flush
        fi
        [ "$height" -le "$tallest" ] || tallest=$height
        row+=("$file")
    done
    flush
}

# A page to scroll through, mails beside each other at all widths.
index() {
    local file width
    head_of "All mails"
    for file in "${files[@]}"; do
        printf '<h2 id="%s">%s</h2>\n' "$(label "$file")" "$(label "$file")"
        for width in "${widths[@]}"; do
            printf '<iframe style="display:inline-block;vertical-align:top" loading="lazy" width="%s" height="%s" srcdoc="%s"></iframe>\n' \
                "$width" "$(awk -v n="$(label "$file")" '$1 == n { print $2 }' "$work/heights-$width")" "$(inside "$file")"
        done
    done
}

broad=0
for width in "${widths[@]}"; do measure "$width"; done
index >"$out/index.html"
for width in "${widths[@]}"; do
    for scheme in "${schemes[@]}"; do shoot mails "$width" "$scheme"; done
done
echo "${#files[@]} mails; sheets and index.html in $out"
[ "$broad" -eq 0 ]
