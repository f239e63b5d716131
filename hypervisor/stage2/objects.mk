# SPDX-License-Identifier: MIT
stage2-table-objs := hypervisor/stage2/stage2_create.o hypervisor/stage2/stage2_map.o hypervisor/stage2/stage2_page.o \
	hypervisor/stage2/stage2_lookup.o \
	hypervisor/stage2/stage2_attr.o hypervisor/stage2/stage2_destroy.o hypervisor/stage2/vmid.o
hyp-objs += $(stage2-table-objs) hypervisor/stage2/stage2_foreign.o

unit-tests += stage2_map_test
stage2_map_test-objs := hypervisor/stage2/stage2_map_test.o $(stage2-table-objs) tests/unit/fake_machine.o

unit-tests += stage2_attr_test
stage2_attr_test-objs := hypervisor/stage2/stage2_attr_test.o hypervisor/stage2/stage2_attr.o tests/unit/fake_machine.o
