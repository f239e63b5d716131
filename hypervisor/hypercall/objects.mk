# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/hypercall/hc_console.o hypervisor/hypercall/hc_control.o hypervisor/hypercall/hc_event.o
hyp-objs += hypervisor/hypercall/hc_grant.o hypervisor/hypercall/hc_hvm.o hypervisor/hypercall/hc_memory.o
hyp-objs += hypervisor/hypercall/hc_physdev.o hypervisor/hypercall/hc_physmap.o hypervisor/hypercall/hc_platform.o
hyp-objs += hypervisor/hypercall/hc_sched.o hypervisor/hypercall/hc_vcpu.o hypervisor/hypercall/hc_version.o
hyp-objs += hypervisor/hypercall/hc_vm_assist.o hypervisor/hypercall/hypercall_multicall.o
hyp-objs += hypervisor/hypercall/hypercall_table.o
