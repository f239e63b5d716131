# SPDX-License-Identifier: MIT
#
# The guest of tests/system/race_tests.py: an arm64 Image, position-independent, so it needs no linker script.

.PHONY: race
race: $(build)/race/race
	@:

$(build)/race/%: tests/race/%.S
	$(call note,AS,$@)
	@mkdir -p $(@D)
	$(quiet)$(CROSS_COMPILE)gcc -march=armv8-a -g -c -o $@.o $<
	$(quiet)$(LD) -Ttext=0 -nostdlib -z max-page-size=4096 -o $@.elf $@.o
	$(quiet)$(OBJCOPY) -O binary $@.elf $@
