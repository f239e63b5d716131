# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/event/event_2l.o hypervisor/event/event_poll.o hypervisor/event/event_port.o \
	hypervisor/event/event_vcpu.o hypervisor/event/event_virq.o

# What tests of the guests' interface link: the code behind it, and the rest of the hypervisor as a fake.
interface-test-objs := tests/unit/fake_hypervisor.o tests/unit/fake_machine.o hypervisor/lib/lock.o \
	hypervisor/domain/policy.o hypervisor/domain/vcpu_runstate.o hypervisor/domain/watchdog.o \
	hypervisor/event/event_2l.o hypervisor/event/event_poll.o hypervisor/event/event_port.o \
	hypervisor/event/event_vcpu.o hypervisor/event/event_virq.o \
	hypervisor/grant/grant_cache.o hypervisor/grant/grant_entry.o

unit-tests += event_test
event_test-objs := hypervisor/event/event_test.o $(interface-test-objs)
