# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/arm64/vectors.o hypervisor/arm64/context.o hypervisor/arm64/cache.o hypervisor/arm64/scrub.o hypervisor/arm64/copy_simd.o \
	hypervisor/arm64/tlb.o hypervisor/arm64/cpu.o hypervisor/arm64/cpu_init.o hypervisor/arm64/panic.o
