# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/mm/frame_table.o hypervisor/mm/frame_pool.o hypervisor/mm/hyp_map.o \
	hypervisor/mm/hyp_alloc.o hypervisor/mm/window.o

unit-tests += frame_pool_test
frame_pool_test-objs := hypervisor/mm/frame_pool_test.o hypervisor/mm/frame_pool.o hypervisor/mm/frame_table.o \
	tests/unit/fake_machine.o

unit-tests += window_test
window_test-objs := hypervisor/mm/window_test.o hypervisor/mm/window.o tests/unit/fake_machine.o

unit-tests += hyp_map_test
hyp_map_test-objs := hypervisor/mm/hyp_map_test.o hypervisor/mm/hyp_map.o hypervisor/lib/lock.o tests/unit/fake_machine.o
