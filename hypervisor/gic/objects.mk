# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/gic/gic.o hypervisor/gic/gic_fdt.o hypervisor/gic/gic_irq.o hypervisor/gic/gicv2.o \
	hypervisor/gic/gicv3.o

unit-tests += gic_lr_test
gic_lr_test-objs := hypervisor/gic/gic_lr_test.o

unit-tests += gic_fdt_test
gic_fdt_test-objs := hypervisor/gic/gic_fdt_test.o hypervisor/gic/gic_fdt.o devtree/devtree_read.o

unit-tests += gic_test
gic_test-objs := hypervisor/gic/gic_test.o hypervisor/gic/gic.o hypervisor/gic/gic_fdt.o hypervisor/gic/gic_irq.o \
	hypervisor/gic/gicv2.o hypervisor/gic/gicv3.o hypervisor/lib/lock.o devtree/devtree_read.o \
	tests/unit/fake_machine.o
