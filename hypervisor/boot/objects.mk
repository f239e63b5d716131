# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/boot/boot_head.o hypervisor/boot/boot_main.o hypervisor/boot/boot_memory.o \
	hypervisor/boot/boot_smp.o hypervisor/boot/boot_options.o
