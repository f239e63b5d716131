#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Where Tenon spends instructions: counts every one that it executes between reset and the end of a small guest
# (bench/first_entry.S), by function, and prints the largest, and how often each was entered.
#
#     tools/profile.sh [GUEST_MIB [RAM_MIB [LINES]]]      (default: 64 512 30)
#
# QEMU translates one instruction at a time and logs each with its address; only the image's addresses are
# logged. Takes about a minute. TENON_BUILD=FOLDER takes another build than build/gcc-release.

set -eu

cd "$(dirname "$0")/.."

guest=${1:-64}
ram=${2:-512}
lines=${3:-30}
image=${TENON_BUILD:-build/gcc-release}/tenon
run=build/run/profile

make --no-print-directory bench
tools/machine.sh --out $run --image "$image" --memory "$ram" --append "console=dtuart dtuart=/pl011@9000000" \
	--domu bench "$guest" 1 build/bench/first_entry - "" --qemu -accel --qemu tcg,one-insn-per-tb=on

# Function starts in ascending order: the log's addresses are looked up by bisection. Addresses have 12 digits, so
# text comparison orders them.
aarch64-linux-gnu-nm -n "$image.elf" | awk '$2 ~ /^[tTwW]$/ { print substr($1, 5), $3 }' >$run/symbols

rm -f $run/trace
mkfifo $run/trace
(
	IFS='
'
	exec timeout 300 build/qemu/usr/bin/qemu-system-aarch64 $(cat $run/qemu.args) -serial "file:$run/console.log" \
		-monitor none -d exec,nochain -dfilter 0x7f8000000000+0x200000 -D $run/trace </dev/null
) >$run/qemu.log 2>&1 &

awk -v symbols=$run/symbols -v lines="$lines" '
BEGIN {
	while ((getline line <symbols) > 0) {
		split(line, part, " ")
		start[nr] = part[1]
		name[nr++] = part[2]
	}
}
/^Trace/ {
	split($0, part, "/")
	count[substr(part[2], 5)]++
}
END {
	for (pc in count) {
		low = 0
		high = nr
		while (high - low > 1) {
			middle = int((low + high) / 2)
			if (start[middle] <= pc) {
				low = middle
			} else {
				high = middle
			}
		}
		sum[low] += count[pc]
		total += count[pc]
	}
	printf "instructions           calls  function, of %d instructions in all\n", total
	sort = "sort -rn | head -n " lines
	for (f in sum) {
		calls = count["0000" start[f]] + count[start[f]]
		printf "%12d %4.1f %% %9d  %s\n", sum[f], 100 * sum[f] / total, calls, name[f] | sort
	}
	close(sort)
}' $run/trace
wait
grep -a 'first entry' $run/console.log || {
	echo "profile.sh: the guest did not run: see $run/console.log" >&2
	exit 1
}
