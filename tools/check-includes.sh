#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Checks the arrows between the hypervisor's folders that docs/architecture.md promises: lib/ and arm64/ include nothing
# above them but each other, nobody includes trap/ or hypercall/ internals, and only abi/xen.h opens Xen's headers. Lists
# what is wrong; exceptions are below, each with its reason.

set -eu

cd "$(dirname "$0")/.."

bad=$(
	grep -rn '#include "' hypervisor/lib hypervisor/arm64 --include='*.[chS]' |
		grep -v '_test\.c:' |
		grep -v -e '"lib/' -e '"arm64/' -e '"abi/' -e '"asm_offsets.h"' |
		# Offsets of structures of other folders for the assembly: asm_offsets.c exists for that.
		grep -v '^hypervisor/arm64/asm_offsets.c:' || true
	grep -rn '#include "[a-z0-9_]*/[a-z0-9_]*_internal.h"' hypervisor --include='*.[ch]' |
		grep -v '_test\.c:' | awk -F '[:"/]' '$2 != $6 && !($2 == "boot" && $6 == "mm") { print }'
	grep -rnE '#include <xen/' hypervisor devtree tests --include='*.[chS]' || true
)
if [ -n "$bad" ]; then
	echo "includes that point upward, into another folder's internals, or past abi/xen.h:" >&2
	echo "$bad" >&2
	exit 1
fi
