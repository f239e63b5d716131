# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/trap/trap_a32.o hypervisor/trap/trap_abort.o hypervisor/trap/trap_idreg.o \
	hypervisor/trap/trap_inject.o hypervisor/trap/trap_mmio.o hypervisor/trap/trap_psci.o \
	hypervisor/trap/trap_smccc.o hypervisor/trap/trap_sysreg.o hypervisor/trap/trap_table.o \
	hypervisor/trap/trap_wfx.o
