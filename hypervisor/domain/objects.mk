# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/domain/domain_create.o hypervisor/domain/domain_destroy.o hypervisor/domain/domain_warm.o \
	hypervisor/domain/guest_copy.o hypervisor/domain/policy.o hypervisor/domain/vcpu_regs.o \
	hypervisor/domain/vcpu_runstate.o hypervisor/domain/vcpu_switch.o hypervisor/domain/watchdog.o
