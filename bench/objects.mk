# SPDX-License-Identifier: MIT
#
# Guests that measure: arm64 Images. bench is the benchmark of tools/bench.sh, bounded the guest of
# tests/system/bounded_tests.py, both on the test guests' library; first_entry, for tools/figures.sh, stands alone and is
# position-independent.

.PHONY: bench
bench: $(build)/bench/first_entry $(build)/bench/bench $(build)/bench/bounded
	@:

bench-objs := bench/bench_main.o bench/bench_loops.o bench/bench_calls.o bench/bench_events.o bench/bench_grants.o
$(foreach object,$(bench-objs),$(eval cflags-$(object) := -Itests/guest/lib -O2))

bounded-objs := $(patsubst %,bench/bounded_%.o,main memory grants events calls vcpus dom0)
$(foreach object,$(bounded-objs),$(eval cflags-$(object) := -Itests/guest/lib -O2))

# It also runs as dom0, which is loaded where the machine has room.
$(build)/bench/bench: bench-link = -static
$(build)/bench/bounded: bench-link = -pie --no-dynamic-linker -z notext
$(build)/bench/bench: $(bench-objs:%=$(out)/%)
$(build)/bench/bounded: $(bounded-objs:%=$(out)/%)
$(build)/bench/bench $(build)/bench/bounded: $(guest-lib-objs:%=$(out)/%) $(out)/third-party/libfdt.a tests/guest/lib/guest.lds
	$(call note,GUEST,$@)
	@mkdir -p $(@D)
	$(quiet)$(LD) -nostdlib $(bench-link) --build-id=none -z max-page-size=4096 --no-warn-rwx-segments --gc-sections \
		-T tests/guest/lib/guest.lds -o $@.elf $(filter %.o %.a,$^)
	$(quiet)$(OBJCOPY) -O binary $@.elf $@

-include $(patsubst %.o,$(out)/%.d,$(bench-objs) $(bounded-objs))

$(build)/bench/first_entry: bench/first_entry.S
	$(call note,AS,$@)
	@mkdir -p $(@D)
	$(quiet)$(CROSS_COMPILE)gcc -march=armv8-a -c -o $@.o $<
	$(quiet)$(LD) -Ttext=0 -nostdlib -o $@.elf $@.o
	$(quiet)$(OBJCOPY) -O binary $@.elf $@

# The plugin that says where instructions go, for tools/bench.sh.
.PHONY: bench-plugin
bench-plugin: $(build)/bench/bench_plugin.so
	@:

$(build)/bench/bench_plugin.so: $(build)/host-$(COMPILER)/bench/bench_plugin.o
	@mkdir -p $(@D)
	$(call note,LD,$@)
	$(quiet)$(HOSTCC) -shared -o $@ $^

-include $(build)/host-$(COMPILER)/bench/bench_plugin.d
