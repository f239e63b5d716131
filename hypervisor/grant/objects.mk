# SPDX-License-Identifier: MIT
grant-objs := hypervisor/grant/grant_active.o hypervisor/grant/grant_cache.o hypervisor/grant/grant_copy.o \
	hypervisor/grant/grant_entry.o hypervisor/grant/grant_map.o hypervisor/grant/grant_maptrack.o
hyp-objs += $(grant-objs)

# interface-test-objs is event/objects.mk's; expanded late.
unit-tests += grant_test
grant_test-objs = hypervisor/grant/grant_test.o $(interface-test-objs)
