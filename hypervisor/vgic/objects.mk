# SPDX-License-Identifier: MIT
vgic-objs := hypervisor/vgic/vgic_dist.o hypervisor/vgic/vgic_v2_regs.o hypervisor/vgic/vgic_v3_regs.o \
	hypervisor/vgic/vgic_inject.o hypervisor/vgic/vgic_deliver.o hypervisor/vgic/vgic_lr.o \
	hypervisor/vgic/vgic_check.o
hyp-objs += $(vgic-objs)

vgic-test-objs := $(vgic-objs) hypervisor/vgic/vgic_fake.o hypervisor/lib/lock.o tests/unit/fake_machine.o

unit-tests += vgic_lr_test
vgic_lr_test-objs := hypervisor/vgic/vgic_lr_test.o $(vgic-test-objs)

unit-tests += vgic_overflow_test
vgic_overflow_test-objs := hypervisor/vgic/vgic_overflow_test.o $(vgic-test-objs)

unit-tests += vgic_regs_test
vgic_regs_test-objs := hypervisor/vgic/vgic_regs_test.o $(vgic-test-objs)

unit-tests += vgic_smp_test
vgic_smp_test-objs := hypervisor/vgic/vgic_smp_test.o $(vgic-test-objs)

unit-tests += vgic_model_test
vgic_model_test-objs := hypervisor/vgic/vgic_model_test.o $(vgic-test-objs)
