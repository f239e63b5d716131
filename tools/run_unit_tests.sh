#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs host unit tests: tools/run_unit_tests.sh LOG_FOLDER PROGRAM...
#
# One line a program; its whole output only where it failed. Closes with "N passed, M failed", counting cmocka's
# test cases; a program that ends without a result counts as one failure.

set -u

logs=$1
shift
mkdir -p "$logs"
passed=0
failed=0
for program in "$@"; do
	name=$(basename "$program")
	log=$logs/$name.log
	UBSAN_OPTIONS=print_stacktrace=1 timeout 120 "$program" >"$log" 2>&1
	status=$?
	good=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | tail -n 1)
	bad=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$log" | tail -n 1)
	good=${good:-0}
	bad=${bad:-0}
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
		bad=1
	fi
	passed=$((passed + good))
	failed=$((failed + bad))
	if [ "$bad" -eq 0 ]; then
		printf '  PASS  %s (%s)\n' "$name" "$good"
	else
		sed 's/^/    /' "$log"
		if [ "$status" -eq 124 ]; then
			echo "    ended after 120 s"
		fi
		printf '  FAIL  %s (%s of %s; log: %s)\n' "$name" "$bad" "$((good + bad))" "$log"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
