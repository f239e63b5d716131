# SPDX-License-Identifier: MIT
#
# Bare-metal test guests: `make guests` builds build/<compiler>-<debug|release>/guests/<topic>, an arm64 Image each.
# The objects come from the same rule as the hypervisor's; guests.list says how each is run.

guest-topics := hello psci smccc idregs timer sgi wait registers uart uart_input gic_registers events hypercalls memory cold lines faults spin wild

guest-lib := guest_start guest_call guest_main guest_test guest_console guest_trap guest_mmu guest_gic guest_smp \
	guest_time guest_asm guest_xen
guest-lib-objs := $(guest-lib:%=tests/guest/lib/%.o) hypervisor/lib/string.o hypervisor/lib/format.o
guest-objs := $(guest-lib-objs) $(guest-topics:%=tests/guest/%.o)
$(foreach object,$(filter tests/%,$(guest-objs)),$(eval cflags-$(object) := -Itests/guest/lib))

.PHONY: guests
guests: $(guest-topics:%=$(out)/guests/%)

$(out)/guests/%: $(out)/tests/guest/%.o $(guest-lib-objs:%=$(out)/%) $(out)/third-party/libfdt.a tests/guest/lib/guest.lds
	$(call note,GUEST,$@)
	@mkdir -p $(@D)
	$(quiet)$(LD) -nostdlib -static --build-id=none -z max-page-size=4096 --no-warn-rwx-segments --gc-sections \
		-T tests/guest/lib/guest.lds -o $@.elf $(filter %.o %.a,$^)
	$(quiet)$(OBJCOPY) -O binary $@.elf $@

-include $(patsubst %.o,$(out)/%.d,$(guest-objs))
