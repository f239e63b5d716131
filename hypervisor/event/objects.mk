# SPDX-License-Identifier: MIT
event-objs := event_2l event_close event_fifo event_fifo_setup event_poll event_port event_table event_vcpu event_virq
hyp-objs += $(event-objs:%=hypervisor/event/%.o)

# What tests of the guests' interface link: the code behind it, and the rest of the hypervisor as a fake. Expanded late:
# grant-objs is another folder's.
interface-test-objs = tests/unit/fake_hypervisor.o tests/unit/fake_machine.o hypervisor/lib/lock.o \
	hypervisor/domain/policy.o hypervisor/domain/vcpu_runstate.o hypervisor/domain/watchdog.o \
	$(event-objs:%=hypervisor/event/%.o) \
	$(grant-objs)

unit-tests += event_test
event_test-objs = hypervisor/event/event_test.o $(interface-test-objs)
unit-tests += event_fifo_test
event_fifo_test-objs = hypervisor/event/event_fifo_test.o $(interface-test-objs)
