#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Holds docs/locking.md against hypervisor/lib/lock.h: the same ranks in the same order.

set -eu

cd "$(dirname "$0")/.."

code=$(sed -n 's/^	LOCK_RANK_\([A-Z0-9_]*\)[, =].*/\1/p' hypervisor/lib/lock.h | grep -v '^MAX$')
document=$(sed -n 's/^| \([A-Z0-9_]*\) | .*/\1/p' docs/locking.md)
if [ -z "$code" ] || [ "$code" != "$document" ]; then
	echo "docs/locking.md and the ranks of hypervisor/lib/lock.h differ (first the code's, then the document's):" >&2
	echo "$code" | paste -s -d ' ' >&2
	echo "$document" | paste -s -d ' ' >&2
	exit 1
fi
