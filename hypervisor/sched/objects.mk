# SPDX-License-Identifier: MIT
sched-objs := hypervisor/sched/sched_cpu.o hypervisor/sched/sched_place.o hypervisor/sched/sched_queue.o \
	hypervisor/sched/sched_run.o hypervisor/sched/sched_wake.o
hyp-objs += $(sched-objs)

unit-tests += sched_queue_test sched_test
sched_queue_test-objs := hypervisor/sched/sched_queue_test.o hypervisor/sched/sched_queue.o hypervisor/lib/lock.o \
	tests/unit/fake_machine.o
sched_test-objs := hypervisor/sched/sched_test.o hypervisor/sched/sched_sim.o $(sched-objs) tests/unit/fake_machine.o
