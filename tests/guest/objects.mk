# SPDX-License-Identifier: MIT
#
# Bare-metal test guests: `make guests` builds build/<compiler>-<debug|release>/guests/<topic>, an arm64 Image each.
# The objects come from the same rule as the hypervisor's; guests.list says how each is run.

guest-topics := hello psci smccc idregs timer sgi wait registers uart uart_input gic_registers sysregs debug el0 events events_fifo events_pair sched sched_end sched_remote grants grants_copy grants_hold grants_many grants_pair hypercalls copy_attr reservation foreign victim doomed doomed_user memory cold lines faults spin wild differential hostile hostile_witness

guest-lib := guest_start guest_call guest_main guest_test guest_console guest_trap guest_mmu guest_gic guest_smp \
	guest_time guest_asm guest_xen guest_grant guest_event
guest-lib-objs := $(guest-lib:%=tests/guest/lib/%.o) hypervisor/lib/string.o hypervisor/lib/format.o
# Topics of several files.
differential-objs := $(patsubst %,tests/guest/differential_%.o,args calls events grants memory rules state)
hostile-objs := tests/guest/hostile_traps.o $(filter-out %_rules.o,$(differential-objs))
guest-objs := $(guest-lib-objs) $(guest-topics:%=tests/guest/%.o) $(differential-objs) tests/guest/hostile_traps.o
$(foreach object,$(filter tests/%,$(guest-objs)),$(eval cflags-$(object) := -Itests/guest/lib))

# Those that run as dom0 are loaded where the machine has room.
guest-link = -static
$(out)/guests/foreign $(out)/guests/sched_remote $(out)/guests/doomed_user $(out)/guests/differential: guest-link = -pie --no-dynamic-linker -z notext

.PHONY: guests
guests: $(guest-topics:%=$(out)/guests/%) $(out)/guests/a32

$(out)/guests/%: $(out)/tests/guest/%.o $(guest-lib-objs:%=$(out)/%) $(out)/third-party/libfdt.a tests/guest/lib/guest.lds
	$(call note,GUEST,$@)
	@mkdir -p $(@D)
	$(quiet)$(LD) -nostdlib $(guest-link) --build-id=none -z max-page-size=4096 --no-warn-rwx-segments --gc-sections \
		-T tests/guest/lib/guest.lds -o $@.elf $(filter %.o %.a,$^)
	$(quiet)$(OBJCOPY) -O binary $@.elf $@

$(out)/guests/differential: $(differential-objs:%=$(out)/%)
$(out)/guests/hostile: $(hostile-objs:%=$(out)/%)

-include $(patsubst %.o,$(out)/%.d,$(guest-objs))

# The 32-bit guest, a zImage: clang has the target in any build, and lld links it.
a32-cc = clang --target=armv7a-none-eabi -mcpu=cortex-a15 -mfloat-abi=soft
a32-cflags = -I. -std=gnu11 -ffreestanding -nostdinc -marm -mfpu=none -mno-unaligned-access -fno-pic -O2 -g \
	$(filter-out -Wundef,$(warnings)) -isystem $(a32-include) -isystem $(xen-headers)
# Once, and only when something is compiled.
a32-include = $(eval a32-include := $(shell clang -print-resource-dir)/include)$(a32-include)
a32-objs := $(patsubst %,$(out)/tests/guest/a32/%.o,a32_start a32_main a32_cpu a32_call a32_memory)

$(out)/tests/guest/a32/%.o: tests/guest/a32/%.c $(objects-mk) | $(prepared)
	$(call note,CC,$@)
	@mkdir -p $(@D)
	$(quiet)$(a32-cc) $(a32-cflags) -MMD -MP -c -o $@ $<

$(out)/tests/guest/a32/%.o: tests/guest/a32/%.S $(objects-mk)
	$(call note,AS,$@)
	@mkdir -p $(@D)
	$(quiet)$(a32-cc) -g -c -o $@ $<

$(out)/guests/a32: $(a32-objs) tests/guest/a32/a32.lds
	$(call note,GUEST,$@)
	@mkdir -p $(@D)
	$(quiet)ld.lld -nostdlib -static --build-id=none -z max-page-size=4096 -T tests/guest/a32/a32.lds -o $@.elf $(filter %.o,$^)
	$(quiet)llvm-objcopy -O binary $@.elf $@

-include $(a32-objs:.o=.d)
