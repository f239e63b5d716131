# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/domain/domain_create.o hypervisor/domain/domain_destroy.o hypervisor/domain/domain_warm.o \
	hypervisor/domain/domain_share.o hypervisor/domain/guest_attr_a32.o hypervisor/domain/guest_copy.o \
	hypervisor/domain/policy.o \
	hypervisor/domain/vcpu_debug.o hypervisor/domain/vcpu_fp.o hypervisor/domain/vcpu_regs.o hypervisor/domain/vcpu_runstate.o hypervisor/domain/vcpu_switch.o \
	hypervisor/domain/watchdog.o

unit-tests += vcpu_regs_test
vcpu_regs_test-objs := hypervisor/domain/vcpu_regs_test.o hypervisor/domain/vcpu_regs.o \
	hypervisor/domain/vcpu_debug.o hypervisor/domain/vcpu_fp.o tests/unit/fake_machine.o

unit-tests += vcpu_switch_test
vcpu_switch_test-objs := hypervisor/domain/vcpu_switch_test.o hypervisor/domain/vcpu_switch.o \
	hypervisor/domain/vcpu_debug.o hypervisor/domain/vcpu_fp.o tests/unit/fake_machine.o

unit-tests += vcpu_fp_test
vcpu_fp_test-objs := hypervisor/domain/vcpu_fp_test.o hypervisor/domain/vcpu_fp.o tests/unit/fake_machine.o

unit-tests += guest_copy_test
guest_copy_test-objs := hypervisor/domain/guest_copy_test.o hypervisor/domain/guest_copy.o \
	hypervisor/domain/guest_attr_a32.o \
	hypervisor/stage2/stage2_attr.o hypervisor/lib/lock.o tests/unit/fake_machine.o

unit-tests += domain_warm_test
domain_warm_test-objs := hypervisor/domain/domain_warm_test.o hypervisor/domain/domain_warm.o \
	hypervisor/stage2/stage2_attr.o hypervisor/lib/lock.o tests/unit/fake_machine.o

unit-tests += domain_create_test
domain_create_test-objs := hypervisor/domain/domain_create_test.o hypervisor/domain/domain_create.o \
	hypervisor/domain/domain_destroy.o hypervisor/lib/lock.o tests/unit/fake_machine.o

unit-tests += domain_share_test
domain_share_test-objs = hypervisor/domain/domain_share_test.o hypervisor/domain/domain_share.o \
	$(filter hypervisor/stage2/%,$(hyp-objs)) hypervisor/lib/lock.o tests/unit/fake_machine.o

unit-tests += guest_attr_a32_test
guest_attr_a32_test-objs := hypervisor/domain/guest_attr_a32_test.o hypervisor/domain/guest_attr_a32.o \
	tests/unit/fake_machine.o
