# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/vtimer/vtimer.o

unit-tests += vtimer_test
vtimer_test-objs := hypervisor/vtimer/vtimer_test.o hypervisor/vtimer/vtimer.o hypervisor/time/timer.o \
	hypervisor/lib/lock.o tests/unit/fake_machine.o
