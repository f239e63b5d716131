#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs one fuzzer: FOLDER/bin/NAME, on inputs that grow from tests/fuzz/seeds/, always the same ones.
#
#     tools/run_fuzzer.sh FOLDER/bin/NAME RUNS
#
# Exit status 1, with the end of the report, when it finds something; the input is then FOLDER/NAME.found-*.

set -u

program=$1
runs=$2
name=$(basename "$program")
folder=$(dirname "$program")/..
corpus=$folder/corpus/$name
log=$folder/$name.log
seeds=$(dirname "$0")/../tests/fuzz/seeds/${name#fuzz_}

# From the beginning each time: inputs that an earlier run has found would make this one another.
rm -rf "$corpus"
mkdir -p "$corpus"
for source in "$seeds"/*; do
	case $source in
	*.dts)
		dtc -q -I dts -O dtb -o "$corpus/$(basename "$source" .dts)" "$source" || exit 1
		;;
	*.txt)
		number=0
		grep -v '^#' "$source" | while read -r line; do
			number=$((number + 1))
			for byte in $line; do
				# shellcheck disable=SC2059
				printf "\\$(printf '%03o' "0x$byte")"
			done >"$corpus/seed$number"
		done
		;;
	esac
done

# Tenon's own checks end the process by way of cmocka, which libFuzzer takes for a crash.
if "$program" -runs="$runs" -seed=1 -max_len=4096 -len_control=20 -timeout=120 -rss_limit_mb=2048 -print_final_stats=1 \
	-artifact_prefix="$folder/$name.found-" "$corpus" >"$log" 2>&1; then
	echo "PASS $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, $(ls "$corpus" | wc -l) kept"
else
	echo "FAIL $name: see $log"
	grep -v '^#[0-9]' "$log" | tail -n 60
	exit 1
fi
