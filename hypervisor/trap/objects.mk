# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/trap/trap_a32.o hypervisor/trap/trap_a32_cp.o hypervisor/trap/trap_a32_inject.o \
	hypervisor/trap/trap_abort.o hypervisor/trap/trap_debug.o hypervisor/trap/trap_decode.o hypervisor/trap/trap_idreg.o \
	hypervisor/trap/trap_inject.o hypervisor/trap/trap_mmio.o hypervisor/trap/trap_psci.o \
	hypervisor/trap/trap_smccc.o hypervisor/trap/trap_sysreg.o hypervisor/trap/trap_table.o \
	hypervisor/trap/trap_walk.o hypervisor/trap/trap_wfx.o

unit-tests += trap_a32_test trap_idreg_test trap_smccc_test trap_sysreg_test
trap_a32_test-objs := hypervisor/trap/trap_a32_test.o hypervisor/trap/trap_a32.o hypervisor/trap/trap_wfx.o \
	tests/unit/fake_machine.o
unit-tests += trap_a32_cp_test trap_a32_inject_test
trap_a32_cp_test-objs := hypervisor/trap/trap_a32_cp_test.o hypervisor/trap/trap_a32_cp.o hypervisor/trap/trap_a32.o \
	tests/unit/fake_machine.o
trap_a32_inject_test-objs := hypervisor/trap/trap_a32_inject_test.o hypervisor/trap/trap_a32_inject.o \
	tests/unit/fake_machine.o
trap_idreg_test-objs := hypervisor/trap/trap_idreg_test.o hypervisor/trap/trap_idreg.o tests/unit/fake_machine.o
trap_smccc_test-objs := hypervisor/trap/trap_smccc_test.o hypervisor/trap/trap_smccc.o hypervisor/trap/trap_psci.o \
	hypervisor/trap/trap_a32.o tests/unit/fake_machine.o
trap_sysreg_test-objs := hypervisor/trap/trap_sysreg_test.o hypervisor/trap/trap_sysreg.o \
	hypervisor/trap/trap_debug.o hypervisor/domain/vcpu_debug.o tests/unit/fake_machine.o

unit-tests += trap_abort_test trap_inject_test trap_mmio_test
trap_abort_test-objs := hypervisor/trap/trap_abort_test.o hypervisor/trap/trap_abort.o hypervisor/trap/trap_mmio.o \
	tests/unit/fake_machine.o
trap_inject_test-objs := hypervisor/trap/trap_inject_test.o hypervisor/trap/trap_inject.o \
	hypervisor/trap/trap_a32_inject.o tests/unit/fake_machine.o
trap_mmio_test-objs := hypervisor/trap/trap_mmio_test.o hypervisor/trap/trap_mmio.o tests/unit/fake_machine.o

unit-tests += trap_debug_test trap_decode_test trap_walk_test
trap_decode_test-objs := hypervisor/trap/trap_decode_test.o hypervisor/trap/trap_decode.o tests/unit/fake_machine.o
trap_debug_test-objs := hypervisor/trap/trap_debug_test.o hypervisor/trap/trap_debug.o hypervisor/domain/vcpu_debug.o \
	tests/unit/fake_machine.o
trap_walk_test-objs := hypervisor/trap/trap_walk_test.o hypervisor/trap/trap_walk.o \
	hypervisor/domain/guest_attr_a32.o tests/unit/fake_machine.o
