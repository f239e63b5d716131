# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/hypercall/hc_console.o hypervisor/hypercall/hc_control.o hypervisor/hypercall/hc_event.o
hyp-objs += hypervisor/hypercall/hc_grant.o hypervisor/hypercall/hc_grant_list.o hypervisor/hypercall/hc_hvm.o hypervisor/hypercall/hc_memory.o
hyp-objs += hypervisor/hypercall/hc_physdev.o hypervisor/hypercall/hc_physmap.o hypervisor/hypercall/hc_platform.o
hyp-objs += hypervisor/hypercall/hc_reservation.o hypervisor/hypercall/hc_resource.o hypervisor/hypercall/hc_sched.o hypervisor/hypercall/hc_vcpu.o hypervisor/hypercall/hc_version.o
hyp-objs += hypervisor/hypercall/hc_vm_assist.o hypervisor/hypercall/hypercall_multicall.o
hyp-objs += hypervisor/hypercall/hypercall_table.o

# interface-test-objs is event/objects.mk's; expanded late, whichever of the two files comes first.
hypercall-test-objs = $(interface-test-objs) hypervisor/time/wallclock.o \
	$(filter hypervisor/hypercall/%,$(hyp-objs))
hypercall-tests := hc_event_test hc_grant_test hc_info_test hc_memory_test hc_sched_test hc_vcpu_test hypercall_table_test
unit-tests += $(hypercall-tests)
$(foreach test,$(hypercall-tests),$(eval $(test)-objs = hypervisor/hypercall/$(test).o $$(hypercall-test-objs)))
