#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Prints the list of symbols, as nm -n does, from which the table for hypervisor/lib/symbol_test.c is made.

cat <<END
00007f8000000000 T boot_head
00007f8000000010 t \$x
00007f8000000040 t boot_main
00007f8000000100 t map_range_local
00007f8000000100 T stage2_map_range
00007f8000000100 t map_range_alias
00007f8000000200 t stage2_split_block.constprop.0
00007f8000000300 T a_function_with_a_name_that_is_longer_than_any_that_a_person_would_care_to_type
END
i=0
while [ $i -lt 100 ]; do
	printf '%016x t vgic_register_handler_%u\n' $((0x7f8000001000 + i * 0x10)) $i
	i=$((i + 1))
done
cat <<END
00007f800000fff0 T last_function
00007f8000010000 R read_only_start
00007f8000020000 D some_data
END
