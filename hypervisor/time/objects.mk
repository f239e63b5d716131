# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/time/time.o hypervisor/time/timer.o hypervisor/time/wallclock.o

unit-tests += time_test
time_test-objs := hypervisor/time/time_test.o hypervisor/time/time.o devtree/devtree_read.o tests/unit/fake_machine.o

unit-tests += timer_test
timer_test-objs := hypervisor/time/timer_test.o hypervisor/time/timer.o hypervisor/lib/lock.o tests/unit/fake_machine.o
