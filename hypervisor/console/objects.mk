# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/console/console.o hypervisor/console/console_dump.o hypervisor/console/console_keys.o
hyp-objs += hypervisor/console/console_kill.o hypervisor/console/console_lines.o hypervisor/console/console_tx.o
hyp-objs += hypervisor/console/uart_fdt.o hypervisor/console/uart_pl011.o hypervisor/console/vpl011.o

unit-tests += console_test
console_test-objs := hypervisor/console/console_test.o hypervisor/console/console.o hypervisor/console/console_dump.o \
	hypervisor/console/console_keys.o hypervisor/console/console_lines.o hypervisor/console/console_tx.o \
	hypervisor/console/uart_pl011.o hypervisor/lib/log.o hypervisor/lib/lock.o tests/unit/fake_machine.o

unit-tests += uart_fdt_test
uart_fdt_test-objs := hypervisor/console/uart_fdt_test.o hypervisor/console/uart_fdt.o devtree/devtree_read.o

unit-tests += vpl011_test
vpl011_test-objs := hypervisor/console/vpl011_test.o hypervisor/console/vpl011.o hypervisor/lib/lock.o \
	tests/unit/fake_machine.o
