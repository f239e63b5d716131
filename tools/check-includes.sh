#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Checks the arrows between folders that docs/architecture.md promises: the hypervisor's lib/ and arm64/ include nothing
# above them but each other, nobody includes trap/ or hypercall/ internals, and only abi/xen.h opens Xen's headers;
# cohcheck's model/ includes nothing of the rest, arm/ only model/, and only plugin/ knows QEMU. Lists what is wrong;
# exceptions are below, each with its reason.

set -eu

cd "$(dirname "$0")/.."

bad=$(
	grep -rn '#include "' hypervisor/lib hypervisor/arm64 --include='*.[chS]' |
		grep -v '_test\.c:' |
		grep -v -e '"lib/' -e '"arm64/' -e '"abi/' -e '"asm_offsets.h"' |
		# Offsets of structures of other folders for the assembly: asm_offsets.c exists for that.
		grep -v '^hypervisor/arm64/asm_offsets.c:' || true
	grep -rn '#include "[a-z0-9_]*/[a-z0-9_]*_internal.h"' hypervisor cohcheck --include='*.[ch]' |
		grep -v '_test\.c:' | awk -F '[:"/]' '$2 != $6 && !($2 == "boot" && $6 == "mm") { print }'
	grep -rnE '#include <xen/' hypervisor devtree tests cohcheck --include='*.[chS]' || true
	grep -rn '#include "' cohcheck/model --include='*.[ch]' | grep -v '"model/' || true
	grep -rn '#include "' cohcheck/arm --include='*.[ch]' | grep -v -e '"model/' -e '"arm/' || true
	grep -rn '#include "' cohcheck/report cohcheck/cli --include='*.[ch]' | grep -e '"plugin/' || true
	grep -rnE '#include [<"]qemu' cohcheck --include='*.[ch]' | grep -v '^cohcheck/plugin/' || true
)
if [ -n "$bad" ]; then
	echo "includes that point upward, into another folder's internals, or past abi/xen.h:" >&2
	echo "$bad" >&2
	exit 1
fi
