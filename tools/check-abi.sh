#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Does docs/abi.md agree with the hypercall tables of the sources and, where set-up has unpacked them, with Xen's headers?
#
#     tools/check-abi.sh [SOURCE_FOLDER [HEADER_FOLDER]]
#
# Documented as "yes" or "fixed": there is a table line. "no": there is none. Every operation that the headers define is in the
# document, under its number. The last column names tests: a topic of tests/guest/ (all its files) or a unit test. Each of them
# exists and has the operation's constant, or its number and name in a list: {23, "HVMOP_set_evtchn_upcall_vector"}. What a
# comment or another text says does not count. Prints what is wrong, one line each; exit status 1 if anything is.

set -u
LC_ALL=C
export LC_ALL

top=${1:-.}
headers=${2:-$top/build/xen-headers/usr/include/xen}
doc=$top/docs/abi.md
folder=$top/hypervisor/hypercall
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

if [ ! -f "$doc" ] || [ ! -d "$folder" ]; then
	echo "check-abi: no docs/abi.md or hypervisor/hypercall under $top" >&2
	exit 1
fi

# Lines "name number here" of the document's tables. Hypercalls have no prefix there; they get that of their constants.
sed -n 's/^| `\([A-Za-z_0-9]*\)` | \([0-9]*\) | \(yes\|fixed\|no\) |.*/\1 \2 \3/p' "$doc" |
	sed 's/^\([a-z]\)/__HYPERVISOR_\1/' | sort >"$work/doc"
cut -d ' ' -f 1 "$work/doc" >"$work/doc.names"

# Names in the sources' tables.
cat "$folder"/*.c | sed -n \
	-e 's/^[	 ]*HYPERCALL(\([a-z_0-9]*\),.*/__HYPERVISOR_\1/p' \
	-e 's/^[	 ]*HYPERCALL_OP(\([A-Za-z_0-9]*\),.*/\1/p' \
	-e 's/^[	 ]*PLATFORM_OP(\([A-Za-z_0-9]*\),.*/\1/p' \
	-e 's/^[	 ]*MAP_SPACE(\([A-Za-z_0-9]*\),.*/\1/p' | sort >"$work/tables"

awk '$3 != "no" { print $1 }' "$work/doc" >"$work/doc.has"
awk '$3 == "no" { print $1 }' "$work/doc" >"$work/doc.hasnot"

{
	uniq -d "$work/doc.names" | sed 's/$/: twice in docs\/abi.md/'
	uniq -d "$work/tables" | sed 's/$/: twice in the tables/'
	comm -23 "$work/tables" "$work/doc.names" | sed 's/$/: in a table, not in docs\/abi.md/'
	comm -12 "$work/tables" "$work/doc.hasnot" | sed 's/$/: in a table, "no" in docs\/abi.md/'
	comm -13 "$work/tables" "$work/doc.has" | sed 's/$/: in no table, but not "no" in docs\/abi.md/'
} >"$work/wrong"

if [ -d "$headers" ]; then
	# Lines "name number". Left out: operations of operations, Xen's internal ones, numbers left to each architecture.
	cat "$headers"/xen.h "$headers"/event_channel.h "$headers"/grant_table.h "$headers"/memory.h "$headers"/sched.h \
		"$headers"/vcpu.h "$headers"/version.h "$headers"/platform.h "$headers"/hvm/hvm_op.h |
		sed -n 's/^#define[	 ]\{1,\}\([A-Za-z_0-9]*\)[	 ]\{1,\}\([0-9]\{1,\}\).*/\1 \2/p' |
		grep -E '^(__HYPERVISOR|EVTCHNOP|GNTTABOP|XENMEM|XENMAPSPACE|SCHEDOP|VCPUOP|XENVER|HVMOP|CONSOLEIO|VMASST_CMD|XENPF)_' |
		grep -Ev '_op_|_altp2m_|_ALTP2M_|_resource_|_RDM_|_arch_[0-7] |_reset_cont ' | sort -u >"$work/headers"
	# The hypercalls whose names begin like the exceptions, and platform_op's, of which the document lists what there is.
	cat "$headers"/xen.h | sed -n 's/^#define[	 ]\{1,\}\(__HYPERVISOR_[a-z_]*_op_compat\)[	 ]\{1,\}\([0-9]\{1,\}\).*/\1 \2/p' |
		sort -u - "$work/headers" >"$work/headers.all"
	cut -d ' ' -f 1,2 "$work/doc" >"$work/doc.numbers"
	{
		comm -13 "$work/doc.numbers" "$work/headers.all" | grep -v '^XENPF_' |
			sed 's/$/: in the headers with this number, not so in docs\/abi.md/'
		comm -23 "$work/doc.numbers" "$work/headers.all" | sed 's/$/: in docs\/abi.md, not so in the headers/'
	} >>"$work/wrong"
fi

# A test's files without comments, texts, and what the random stream never draws: {NAME, NULL}. {23, "NAME"} becomes NAME=23.
code_of() {
	cat "$top/tests/guest/$1".c "$top/tests/guest/$1"_*.c "$top"/hypervisor/*/"$1".c 2>/dev/null | awk '{
		line = $0
		code = ""
		while (line != "") {
			at = index(line, within ? "*/" : "/*")
			if (!within) {
				code = code (at ? substr(line, 1, at - 1) " " : line)
			}
			if (!at) {
				break
			}
			line = substr(line, at + 2)
			within = !within
		}
		print code
	}' | sed -e 's/{\([0-9]\{1,\}\), *"\([A-Za-z_0-9]*\)"}/\2=\1/g' -e 's/"[^"]*"//g' -e 's/{[A-Za-z_0-9]*, NULL}//g'
}

# Lines "constant number tests...": of tests the names only.
sed -n 's/^| `\([A-Za-z_0-9]*\)` | \([0-9]*\) | \(yes\|fixed\|no\) |.*|\([^|]*\)|[	 ]*$/\1 \2 \4/p' "$doc" | tr -d '`,' |
	sed 's/^\([a-z]\)/__HYPERVISOR_\1/' >"$work/tests"
mkdir "$work/code"
while read -r name number tests; do
	[ -n "$tests" ] || echo "$name: docs/abi.md names no test in the last column"
	for test in $tests; do
		code=$work/code/$test
		[ -e "$code" ] || code_of "$test" >"$code"
		if [ ! -s "$code" ]; then
			echo "$name: there is no test '$test'"
		elif ! grep -o -w "$name\(=[0-9]*\)\{0,1\}" "$code" | grep -q -x -e "$name" -e "$name=$number"; then
			echo "$name: its test '$test' does not send it: neither the constant nor {$number, \"$name\"}"
		fi
	done
done <"$work/tests" >>"$work/wrong"

sed 's/^/check-abi: /' "$work/wrong"
if [ -s "$work/wrong" ]; then
	exit 1
fi
echo "check-abi: $(wc -l <"$work/doc") operations documented, $(wc -l <"$work/tables") with a handler"
