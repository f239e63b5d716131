# SPDX-License-Identifier: MIT
#
# Guests that measure, for tools/figures.sh: arm64 Images. Position-independent, so they need no linker script.

.PHONY: bench
bench: $(build)/bench/first_entry
	@:

$(build)/bench/%: bench/%.S
	$(call note,AS,$@)
	@mkdir -p $(@D)
	$(quiet)$(CROSS_COMPILE)gcc -march=armv8-a -c -o $@.o $<
	$(quiet)$(LD) -Ttext=0 -nostdlib -o $@.elf $@.o
	$(quiet)$(OBJCOPY) -O binary $@.elf $@
