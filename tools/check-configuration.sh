#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Does docs/configuration.md agree with the sources?
#
#     tools/check-configuration.sh [SOURCE_FOLDER]
#
# Each boot option of hypervisor/boot/boot_options.c has one row, in the table of those that do something or of those that change
# nothing. Each name that dombuild/ and the console look for in the tree has a row, what is refused in that table. And each row
# has its code. Prints what is wrong, one line each; exit status 1 if anything is.

set -u
LC_ALL=C
export LC_ALL

top=${1:-.}
doc=$top/docs/configuration.md
options=$top/hypervisor/boot/boot_options.c
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

if [ ! -f "$doc" ] || [ ! -f "$options" ]; then
	echo "check-configuration: no docs/configuration.md or hypervisor/boot/boot_options.c under $top" >&2
	exit 1
fi

# Lines "kind name" of the document's rows; the heading above a table tells the kind.
awk '
	/^## The device tree/ { kind = "property" }
	/^### Refused/ { kind = "refused" }
	/^## Boot options/ { kind = "option" }
	/^### Accepted, and nothing changes/ { kind = "ignored" }
	/^\| `[^`]*` \|/ { split($0, part, "`"); print kind, part[2] }
' "$doc" >"$work/rows"

# The same of the sources. An option that is ignored says so in its table.
sed -n -e 's/^	{ "\([^"]*\)", OPTION_IGNORED, .*/ignored \1/p' -e t -e 's/^	{ "\([^"]*\)", OPTION_[A-Z_0-9]*, .*/option \1/p' \
	"$options" >"$work/code"
for file in "$top"/hypervisor/dombuild/*.c "$top"/hypervisor/console/uart_fdt.c; do
	case $file in
	*_test.c | *_fake.c) continue ;;
	esac
	# What is asked for by name, and tables of names: kinds of modules, and what is refused.
	tr '\n\t' '  ' <"$file" |
		grep -oE '(fdt_getprop|devtree_get_[a-z0-9]+|devtree_is_compatible|get_[a-z]+)\([^"();]*"[^"]+"' |
		sed 's/.*"\(.*\)"/property \1/'
	sed -n 's/^	{"\([^"]*\)", BOOT_MODULE_[A-Z_]*},$/property \1/p' "$file"
	sed -n '/^static const char \*const refused_[a-z]*\[\] = {/,/^};/p' "$file" | grep -o '"[^"]*"' | sed 's/"\(.*\)"/refused \1/'
done >>"$work/code"
sort -u "$work/rows" >"$work/doc"
sort -u "$work/code" >"$work/sources"

{
	# A property may be read in two places, and is in two tables then.
	grep -v '^property' "$work/rows" | sort | uniq -d | sed 's/^[a-z]* \(.*\)/\1: twice in docs\/configuration.md/'
	comm -13 "$work/doc" "$work/sources" | sed 's/^\([a-z]*\) \(.*\)/\2: \1 in the sources, not so in docs\/configuration.md/'
	comm -23 "$work/doc" "$work/sources" | sed 's/^\([a-z]*\) \(.*\)/\2: \1 in docs\/configuration.md, not so in the sources/'
} >"$work/wrong"

sed 's/^/check-configuration: /' "$work/wrong"
if [ -s "$work/wrong" ]; then
	exit 1
fi
echo "check-configuration: $(grep -c -E '^(option|ignored)' "$work/doc") boot options, $(grep -c -E '^(property|refused)' "$work/doc") names in the tree"
