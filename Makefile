# SPDX-License-Identifier: MIT
#
# Builds Tenon and its tests, all under build/. `make help` lists the targets.
#
# One make for the whole tree: each folder lists its objects in <folder>/objects.mk, included below.
#
#     hyp-objs += hypervisor/vgic/vgic_dist.o             # hypervisor/vgic/vgic_dist.c or .S
#     unit-tests += vgic_dist_test                        # a host unit test, run by `make unit` ...
#     vgic_dist_test-objs := hypervisor/vgic/vgic_dist_test.o hypervisor/vgic/vgic_dist.o
#     vgic_dist_test-libs := -ldw                         # what it needs of the host
#     cohcheck-objs += cohcheck/model/model.o             # of both cohcheck's command and its plugin
#     cohcheck-command-objs += ...                        # of one of them
#     cohcheck-plugin-objs += ...
#     cflags-hypervisor/lib/string.o := -fno-builtin      # flags for one object at EL2
#     unit-cflags-hypervisor/lib/string.o := -Dmemcpy=x   # and the same for the host
#
# make              build/tenon, build/tenon.elf (gcc, release)
# make DEBUG=1      build/gcc-debug/tenon(.elf), with assertions
# make COMPILER=clang [DEBUG=1]
# V=1 shows the commands.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

COMPILER ?= gcc
DEBUG ?= 0
CROSS_COMPILE ?= aarch64-linux-gnu-
V ?= 0

# make build=FOLDER builds elsewhere; what tools/setup.sh prepares is always under build/.
build := build
debug := $(filter-out 0 n no,$(DEBUG))
variant := $(COMPILER)-$(if $(debug),debug,release)
out := $(build)/$(variant)
unit := $(build)/unit$(if $(filter clang,$(COMPILER)),-clang)

# Folders in the order of the layout in docs/architecture.md.
folders := hypervisor/boot hypervisor/dombuild \
	hypervisor/trap hypervisor/hypercall \
	hypervisor/domain hypervisor/sched hypervisor/vgic hypervisor/vtimer hypervisor/event hypervisor/grant \
	hypervisor/console \
	hypervisor/stage2 hypervisor/mm hypervisor/gic hypervisor/time hypervisor/lib hypervisor/arm64 \
	devtree \
	cohcheck/model cohcheck/arm cohcheck/plugin cohcheck/report cohcheck/cli cohcheck/corpus \
	tests/unit tests/fuzz tests/guest tests/race bench

hyp-objs :=
unit-tests :=
cohcheck-objs :=
cohcheck-command-objs :=
cohcheck-plugin-objs :=

.DEFAULT_GOAL := all

objects-mk := $(addsuffix /objects.mk,$(folders))
include $(objects-mk)

# ---------------------------------------------------------------------------------------------------
# Tools

quiet := $(if $(filter 0,$(V)),@)
note = $(if $(filter 0,$(V)),@echo '  $(1)	$(2)',@:)

ifeq ($(COMPILER),gcc)
CC := $(CROSS_COMPILE)gcc
HOSTCC := gcc
compiler-include = $(shell $(CC) -print-file-name=include)
# Without it gcc turns the loops of memset and memcpy into calls of themselves.
compiler-flags := -fno-tree-loop-distribute-patterns -mno-outline-atomics
debug-optimise := -Og
else ifeq ($(COMPILER),clang)
CC := clang --target=aarch64-linux-gnu
HOSTCC := clang
compiler-include = $(shell clang -print-resource-dir)/include
compiler-flags := -mno-outline-atomics -Wno-gnu -Wno-unused-command-line-argument
debug-optimise := -O1
else
$(error COMPILER is gcc or clang, not '$(COMPILER)')
endif
# Binutils' linker takes both compilers' objects.
LD := $(CROSS_COMPILE)ld
AR := $(CROSS_COMPILE)ar
NM := $(CROSS_COMPILE)nm
OBJCOPY := $(CROSS_COMPILE)objcopy
SIZE := $(CROSS_COMPILE)size

# ---------------------------------------------------------------------------------------------------
# Flags

warnings := -Wall -Wextra -Werror -Wundef -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wpointer-arith -Wwrite-strings -Wvla -Wimplicit-fallthrough \
	-Wformat=2 -Wno-unused-parameter

libfdt-src := build/src/dtc/libfdt
zlib-src := build/src/zlib
xen-headers := build/xen-headers/usr/include
# FDT_ASSUME_MASK=4 (FDT_ASSUME_LATEST): libfdt checks everything, since a device tree is input, but for versions
# before 17, which boot_main.c refuses. Z_SOLO: zlib without a C library.
third-party-defines := -DFDT_ASSUME_MASK=4 -DZ_SOLO
third-party-isystem := -isystem $(xen-headers) -isystem $(libfdt-src) -isystem $(zlib-src)

# -mcmodel=tiny: the image is far below 1 MiB, so every address is one instruction (the linker checks).
# The machine and the language at EL2. FP and SIMD registers are the guests', and memory may be Device or
# non-cacheable: no unaligned access. -nostdinc keeps the cross compiler's C library out.
base-cflags := -std=gnu11 -ffreestanding -nostdinc -march=armv8-a -mgeneral-regs-only -mstrict-align \
	-mcmodel=tiny -fno-pic -fno-pie -fno-stack-protector -fno-common -fno-omit-frame-pointer \
	-fno-strict-aliasing -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
	-g $(compiler-flags)
isystem = -isystem $(compiler-include) -isystem tools/third-party/include $(third-party-isystem)

# Size is a goal everywhere, speed where guests pass often: these are optimised for speed, all others for size.
hot-objs := hypervisor/arm64/cache.o hypervisor/arm64/tlb.o \
	hypervisor/trap/trap_table.o hypervisor/trap/trap_smccc.o hypervisor/trap/trap_psci.o \
	hypervisor/trap/trap_mmio.o hypervisor/trap/trap_abort.o hypervisor/trap/trap_sysreg.o \
	hypervisor/trap/trap_idreg.o hypervisor/console/vpl011.o \
	hypervisor/hypercall/hypercall_table.o hypervisor/hypercall/hc_event.o hypervisor/domain/guest_copy.o hypervisor/domain/vcpu_switch.o \
	hypervisor/sched/sched_run.o hypervisor/sched/sched_place.o hypervisor/sched/sched_queue.o \
	hypervisor/sched/sched_wake.o hypervisor/sched/sched_cpu.o hypervisor/vgic/vgic_lr.o hypervisor/vgic/vgic_inject.o hypervisor/vgic/vgic_deliver.o \
	hypervisor/vgic/vgic_dist.o hypervisor/vgic/vgic_v2_regs.o hypervisor/vgic/vgic_v3_regs.o \
	hypervisor/vtimer/vtimer.o hypervisor/gic/gic.o hypervisor/gic/gic_irq.o hypervisor/gic/gicv2.o hypervisor/gic/gicv3.o hypervisor/event/event_2l.o hypervisor/event/event_port.o \
	hypervisor/grant/grant_active.o hypervisor/grant/grant_copy.o hypervisor/grant/grant_map.o \
	hypervisor/grant/grant_maptrack.o hypervisor/hypercall/hc_grant_list.o hypervisor/domain/domain_share.o \
	hypervisor/stage2/stage2_page.o hypervisor/stage2/stage2_lookup.o hypervisor/stage2/stage2_attr.o hypervisor/time/time.o hypervisor/time/timer.o \
	hypervisor/mm/window.o hypervisor/mm/frame_pool.o hypervisor/mm/frame_table.o \
	hypervisor/lib/crc32.o hypervisor/lib/lock.o hypervisor/lib/string.o fdt.o fdt_ro.o inffast.o
optimise = $(if $(debug),$(debug-optimise),$(if $(filter $(hot-objs),$(1)),-O2,-Os))
cppflags := -Ihypervisor -I. -I$(out)/gen $(third-party-defines) $(if $(debug),-DTENON_DEBUG=1)
cflags := $(base-cflags) $(warnings)
asflags := -D__ASSEMBLY__=1 -march=armv8-a -g -Wa,--fatal-warnings
ldflags := -nostdlib -static --build-id=none -z max-page-size=4096 -z noexecstack \
	--gc-sections --orphan-handling=error --fatal-warnings --no-undefined

# $(shell) once, and only when something is compiled.
isystem-once = $(eval isystem-once := $(isystem))$(isystem-once)

# ---------------------------------------------------------------------------------------------------
# Targets for people

.PHONY: all objects clean distclean help format format-check cppcheck unit size
ifeq ($(variant),gcc-release)
all: $(build)/tenon $(build)/tenon.elf
	@:
else
all: $(out)/tenon $(out)/tenon.elf
	@:
endif

help:
	@echo 'make                 build/tenon (arm64 Image) and build/tenon.elf: gcc, release'
	@echo 'make DEBUG=1         build/gcc-debug/tenon(.elf): with assertions and lock checks'
	@echo 'make COMPILER=clang  build/clang-release/tenon(.elf); with DEBUG=1 build/clang-debug/'
	@echo 'make cohcheck        build/cohcheck, the coherency checker, and its QEMU plugin'
	@echo 'make unit            build and run the host unit tests (ASan and UBSan); TESTS="a_test b_test" runs some'
	@echo 'make fuzz            build and run the fuzzers (clang); FUZZ_RUNS=N inputs each'
	@echo 'make size            sections and symbol table of the release build'
	@echo 'make cppcheck        static analysis'
	@echo 'make format-check    does clang-format agree? (make format: make it agree)'
	@echo 'make clean           removes what was built; make distclean also what tools/setup.sh unpacked'
	@echo 'V=1 shows commands. ./boot starts Tenon in QEMU; ./check runs every test.'

# What tools/setup.sh prepared stays.
clean:
	rm -rf $(build)/*-release $(build)/*-debug $(build)/unit $(build)/unit-clang $(build)/tools $(build)/bench $(build)/race $(build)/cppcheck $(build)/run \
		$(build)/tenon $(build)/tenon.elf $(build)/host-gcc $(build)/host-clang $(build)/cohcheck $(build)/cohcheck-plugin.so $(build)/corpus \
		$(build)/mutants $(build)/system

distclean:
	rm -rf build $(build)

$(build)/tenon: $(build)/gcc-release/tenon
	$(quiet)cp $< $@

$(build)/tenon.elf: $(build)/gcc-release/tenon.elf
	$(quiet)cp $< $@

# ---------------------------------------------------------------------------------------------------
# What set-up provides

build/setup/sources-1.done build/setup/xen-headers-1.done &:
	tools/setup.sh build

prepared := build/setup/sources-1.done build/setup/xen-headers-1.done

# A file that changes when the command lines do, so that everything is built again.
define flags-stamp
$(1): FORCE
	@mkdir -p $$(@D)
	@echo '$(2)' | cmp -s - $$@ || echo '$(2)' >$$@
endef
.PHONY: FORCE
FORCE:
$(eval $(call flags-stamp,$(out)/flags,$(CC) $(cppflags) $(cflags) $(asflags) $(hot-objs)))

# ---------------------------------------------------------------------------------------------------
# The image

gen-headers := $(out)/gen/asm_offsets.h
out-objs := $(addprefix $(out)/,$(hyp-objs))
lds := hypervisor/boot/tenon.lds.S
libs := $(out)/third-party/libfdt.a $(out)/third-party/libz.a

objects: $(out-objs)

compile = $(CC) $(cppflags) $(cflags) $(call optimise,$*.o) $(isystem-once) $(cflags-$*.o) -MMD -MP

$(out)/%.o: %.c $(out)/flags | $(prepared) $(gen-headers)
	$(call note,CC,$@)
	@mkdir -p $(@D)
	$(quiet)$(compile) -c -o $@ $<

$(out)/%.o: %.S $(out)/flags | $(prepared) $(gen-headers)
	$(call note,AS,$@)
	@mkdir -p $(@D)
	$(quiet)$(CC) $(cppflags) $(asflags) $(isystem-once) -nostdinc -MMD -MP -c -o $@ $<

# Offsets of structures for assembly, from lines "->NAME value" that inline assembly leaves in the compiler's output.
$(out)/gen/asm_offsets.s: hypervisor/arm64/asm_offsets.c $(out)/flags | $(prepared)
	@mkdir -p $(@D)
	$(quiet)$(compile) -g0 -MT $@ -S -o $@ $<

$(out)/gen/asm_offsets.h: $(out)/gen/asm_offsets.s
	$(call note,GEN,$@)
	$(quiet){ echo '/* Generated from hypervisor/arm64/asm_offsets.c. */'; echo '#pragma once'; \
		sed -n 's/^.*->\([A-Za-z_0-9]*\) [#$$]*\(-\{0,1\}[0-9a-fx]*\).*/#define \1 \2/p' $<; } >$@.new
	$(quiet)cmp -s $@.new $@ 2>/dev/null && { rm $@.new; touch $@; } || mv $@.new $@

$(out)/tenon.lds: $(lds) $(out)/flags | $(prepared) $(gen-headers)
	@mkdir -p $(@D)
	$(quiet)$(CC) $(cppflags) -D__ASSEMBLY__=1 -DTENON_LDS=1 $(isystem-once) -nostdinc -MMD -MP -MT $@ -E -P -x assembler-with-cpp -o $@ $<

# The symbol table describes the image that contains it, so the link takes two steps: with a table of the first
# step's symbols the second step gives the same addresses, because the linker script puts the table after all code.
# That is checked.
link = $(LD) $(ldflags) -T $(out)/tenon.lds -o $@ $(out-objs) $(1) --start-group $(libs) --end-group

$(out)/symtab-%.o: $(out)/symtab-%.c $(out)/flags | $(prepared)
	$(quiet)$(compile) -c -o $@ $<

$(out)/symtab-none.c: $(build)/tools/symtab
	@mkdir -p $(@D)
	$(quiet)$< </dev/null >$@

$(out)/tenon.pass1: $(out-objs) $(libs) $(out)/tenon.lds $(out)/symtab-none.o Makefile $(objects-mk)
	$(call note,LD,$@)
	$(quiet)$(call link,$(out)/symtab-none.o)

$(out)/symtab-full.c: $(out)/tenon.pass1 $(build)/tools/symtab
	$(call note,GEN,$@)
	$(quiet)$(NM) -n $< | $(build)/tools/symtab >$@

$(out)/tenon.elf: $(out)/tenon.pass1 $(out)/symtab-full.o
	$(call note,LD,$@)
	$(quiet)$(call link,$(out)/symtab-full.o -Map=$(out)/tenon.map)
	$(quiet)$(NM) -n $@ | $(build)/tools/symtab | cmp -s - $(out)/symtab-full.c || \
		{ echo 'make: code moved when the symbol table was added: see $(lds)' >&2; rm $@; exit 1; }

$(out)/tenon: $(out)/tenon.elf
	$(call note,IMAGE,$@)
	$(quiet)$(OBJCOPY) -O binary $< $@

size: $(out)/tenon.elf $(out)/tenon
	@$(SIZE) -A -x $< | awk '$$2 != "0x0" && $$3 != "0x0"'
	@wc -c $(out)/tenon

# ---------------------------------------------------------------------------------------------------
# Third-party code, built from the sources that set-up unpacked, with no warnings asked for

libfdt-objs := fdt.o fdt_addresses.o fdt_check.o fdt_empty_tree.o fdt_ro.o fdt_rw.o fdt_strerror.o fdt_sw.o fdt_wip.o
# Only decompression, and hypervisor/lib/crc32.c in place of zlib's crc32.c and its 9 kB of tables.
libz-objs := adler32.o inffast.o inflate.o inftrees.o

$(out)/third-party/libfdt.a: $(addprefix $(out)/third-party/libfdt/,$(libfdt-objs))
$(out)/third-party/libz.a: $(addprefix $(out)/third-party/libz/,$(libz-objs))
$(unit)/third-party/libfdt.a: $(addprefix $(unit)/third-party/libfdt/,$(libfdt-objs))
$(unit)/third-party/libz.a: $(addprefix $(unit)/third-party/libz/,$(libz-objs))

$(out)/third-party/%.a:
	$(call note,AR,$@)
	@rm -f $@
	$(quiet)$(AR) rcsD $@ $(filter %.o,$^)

$(unit)/third-party/%.a:
	@rm -f $@
	$(quiet)ar rcsD $@ $(filter %.o,$^)

# Both read memory byte by byte for fear of alignment, and the compiler may undo that: it all happens in Normal memory
# with the MMU on, where SCTLR_EL2.A = 0 allows unaligned access. It halves libfdt's time and saves 4 kB.
third-party-cflags := $(filter-out -mstrict-align,$(base-cflags)) $(third-party-defines) -DHAVE_MEMCPY=1 -w
third-party-compile = $(CC) $(third-party-cflags) $(call optimise,$*.o) -Ihypervisor -I$(libfdt-src) $(isystem-once) -include string.h -MMD -MP
$(eval $(call flags-stamp,$(out)/third-party/flags,$(CC) $(third-party-cflags) $(hot-objs)))

$(out)/third-party/libfdt/%.o: $(libfdt-src)/%.c $(out)/third-party/flags
	@mkdir -p $(@D)
	$(quiet)$(third-party-compile) -c -o $@ $<

# fdt_next_tag() checks every byte of a node's name by a call: half of the boot's instructions outside scrubbing.
ifeq ($(COMPILER),gcc)
$(out)/third-party/libfdt/fdt.o: third-party-cflags += -finline-functions --param max-inline-insns-auto=60 \
	--param inline-min-speedup=1
endif

$(out)/third-party/libz/%.o: $(zlib-src)/%.c $(out)/third-party/flags
	@mkdir -p $(@D)
	$(quiet)$(third-party-compile) -c -o $@ $<

# The unpacked sources appear with set-up.
$(libfdt-src)/%.c $(zlib-src)/%.c: | $(prepared) ;

# ---------------------------------------------------------------------------------------------------
# The initramfs of the guests

.PHONY: initramfs
initramfs: build/guest/initramfs.cpio
	@:

build/guest/initramfs.cpio: tools/guest/initramfs.list tools/guest/init build/guest/busybox $(build)/tools/mkcpio
	$(call note,CPIO,$@)
	$(quiet)$(build)/tools/mkcpio $< >$@

build/guest/busybox:
	tools/setup.sh run

# ---------------------------------------------------------------------------------------------------
# cohcheck: a command and a QEMU plugin for the build host

.PHONY: cohcheck
host := $(build)/host-$(COMPILER)
ifeq ($(COMPILER),gcc)
cohcheck: $(build)/cohcheck $(build)/cohcheck-plugin.so
else
cohcheck: $(host)/bin/cohcheck $(host)/bin/cohcheck-plugin.so
endif
	@:

host-cppflags := -Icohcheck -D_GNU_SOURCE=1
# The plugin's fast paths run at every load and store of the guest: -O2 whatever DEBUG says.
host-cflags := -std=gnu11 -O2 -g -fPIC -fvisibility=hidden -fno-strict-aliasing $(warnings) \
	$(if $(filter clang,$(COMPILER)),-Wno-gnu)
# $(shell) once, and only when something is compiled.
host-isystem-once = $(eval host-isystem-once := -isystem build/qemu-plugin $(patsubst -I%,-isystem %,$(shell \
	pkg-config --cflags glib-2.0 json-c libdw)))$(host-isystem-once)
$(eval $(call flags-stamp,$(host)/flags,$(HOSTCC) $(host-cppflags) $(host-cflags)))

$(host)/%.o: %.c $(host)/flags build/setup/qemu-plugin-1.done
	$(call note,HOSTCC,$@)
	@mkdir -p $(@D)
	$(quiet)$(HOSTCC) $(host-cppflags) $(host-cflags) $(host-isystem-once) -MMD -MP -c -o $@ $<

build/setup/qemu-plugin-1.done:
	tools/setup.sh cohcheck

# Symbols of QEMU and glib are found in QEMU itself.
$(host)/bin/cohcheck-plugin.so: $(addprefix $(host)/,$(cohcheck-objs) $(cohcheck-plugin-objs))
	$(call note,LD,$@)
	@mkdir -p $(@D)
	$(quiet)$(HOSTCC) -shared -o $@ $^ -lpthread

$(host)/bin/cohcheck: $(addprefix $(host)/,$(cohcheck-objs) $(cohcheck-command-objs))
	$(call note,LD,$@)
	@mkdir -p $(@D)
	$(quiet)$(HOSTCC) -o $@ $^ $(shell pkg-config --libs json-c libdw libelf)

# A running QEMU keeps the file that it has mapped.
$(build)/cohcheck $(build)/cohcheck-plugin.so: $(build)/%: $(host)/bin/%
	$(quiet)cp --remove-destination $< $@

# ---------------------------------------------------------------------------------------------------
# Host tools and host unit tests

$(build)/tools/%: tools/%.c
	$(call note,HOSTCC,$@)
	@mkdir -p $(@D)
	$(quiet)gcc -std=gnu11 -O1 -g $(warnings) -o $@ $<

sanitize := -fsanitize=address,undefined -fno-sanitize-recover=all
unit-cppflags := -Itests/unit/fake -Ihypervisor -Icohcheck -I. -DTENON_HOST=1 -DTENON_DEBUG=1 -D_GNU_SOURCE=1 \
	$(third-party-defines) $(third-party-isystem)
unit-cflags := -std=gnu11 -O1 -g -fno-omit-frame-pointer -fno-strict-aliasing -fno-builtin $(sanitize) $(warnings) \
	$(if $(filter clang,$(COMPILER)),-Wno-gnu)
$(eval $(call flags-stamp,$(unit)/flags,$(HOSTCC) $(unit-cppflags) $(unit-cflags)))

$(unit)/%.o: %.c $(unit)/flags | $(prepared)
	$(call note,HOSTCC,$@)
	@mkdir -p $(@D)
	$(quiet)$(HOSTCC) $(unit-cppflags) $(unit-cflags) $(unit-cflags-$*.o) -MMD -MP -c -o $@ $<

# A symbol table for the test of the code that reads it.
$(unit)/gen/symbol_test_table.c: tools/symbol_test_list.sh $(build)/tools/symtab
	@mkdir -p $(@D)
	$(quiet)$< | $(build)/tools/symtab >$@

$(unit)/gen/%.o: $(unit)/gen/%.c $(unit)/flags
	$(quiet)$(HOSTCC) $(unit-cppflags) $(unit-cflags) -MMD -MP -c -o $@ $<

# The same libfdt and inflate as at EL2. UBSan's alignment and shift findings there are theirs to keep.
$(unit)/third-party/libfdt/%.o: $(libfdt-src)/%.c $(unit)/flags
	@mkdir -p $(@D)
	$(quiet)$(HOSTCC) -std=gnu11 -O1 -g -fsanitize=address $(third-party-defines) -I$(libfdt-src) -w -MMD -MP -c -o $@ $<

$(unit)/third-party/libz/%.o: $(zlib-src)/%.c $(unit)/flags
	@mkdir -p $(@D)
	$(quiet)$(HOSTCC) -std=gnu11 -O1 -g -fsanitize=address $(third-party-defines) -DHAVE_MEMCPY=1 -w -include string.h \
		-MMD -MP -c -o $@ $<

# Each test is linked from exactly the objects that its list names, and the third-party archives.
define unit-test
$(unit)/bin/$(1): $(addprefix $(unit)/,$($(1)-objs)) $(unit)/third-party/libfdt.a $(unit)/third-party/libz.a
	$$(call note,LD,$$@)
	@mkdir -p $$(@D)
	$$(quiet)$$(HOSTCC) $$(sanitize) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) $$($(1)-libs) -lcmocka
endef
$(foreach test,$(unit-tests),$(eval $(call unit-test,$(test))))

TESTS ?= $(unit-tests)
unit: $(addprefix $(unit)/bin/,$(TESTS))
	@tools/run_unit_tests.sh $(unit)/log $^

# ---------------------------------------------------------------------------------------------------
# Fuzzers

fuzz := $(build)/fuzz
fuzz-cflags := $(filter-out -fno-builtin,$(subst $(sanitize),,$(unit-cflags))) -Wno-gnu -fsanitize=fuzzer-no-link \
	$(sanitize) -O2
$(eval $(call flags-stamp,$(fuzz)/flags,$(unit-cppflags) $(fuzz-cflags)))

$(fuzz)/%.o: %.c $(fuzz)/flags | $(prepared)
	$(call note,FUZZCC,$@)
	@mkdir -p $(@D)
	$(quiet)clang $(unit-cppflags) $(fuzz-cflags) $(unit-cflags-$*.o) -MMD -MP -c -o $@ $<

fuzz-libfdt := $(addprefix $(fuzz)/third-party/libfdt/,$(libfdt-objs))
$(fuzz)/third-party/libfdt/%.o: $(libfdt-src)/%.c $(fuzz)/flags
	@mkdir -p $(@D)
	$(quiet)clang -std=gnu11 -O1 -g -fsanitize=fuzzer-no-link,address $(third-party-defines) -I$(libfdt-src) -w -MMD -MP \
		-c -o $@ $<

define fuzz-program
$(fuzz)/bin/$(1): $(addprefix $(fuzz)/,$($(1)-objs)) $(fuzz-libfdt)
	$$(call note,LD,$$@)
	@mkdir -p $$(@D)
	$$(quiet)clang -fsanitize=fuzzer $$(sanitize) -o $$@ $$(filter %.o,$$^) -lcmocka

.PHONY: run-$(1)
run-$(1): $(fuzz)/bin/$(1) tools/run_fuzzer.sh
	@tools/run_fuzzer.sh $$< $$(or $$(FUZZ_RUNS),$($(1)-runs))
endef
$(foreach fuzzer,$(fuzzers),$(eval $(call fuzz-program,$(fuzzer))))

.PHONY: fuzz
fuzz: $(addprefix run-,$(fuzzers))
	@echo '$(words $(fuzzers)) passed, 0 failed'

# ---------------------------------------------------------------------------------------------------
# Source checks

source-folders := $(wildcard abi hypervisor devtree cohcheck tests tools)

format:
	find $(source-folders) -name '*.[ch]' | xargs clang-format -i

format-check:
	@find $(source-folders) -name '*.[ch]' | sort | xargs clang-format --dry-run --Werror

cppcheck: | $(prepared)
	@mkdir -p $(build)/cppcheck
	cppcheck -q -j 2 --cppcheck-build-dir=$(build)/cppcheck --std=c11 --platform=unix64 \
		--enable=warning,portability,performance --inline-suppr --error-exitcode=1 \
		--suppressions-list=tools/cppcheck.suppress \
		-D__aarch64__=1 -D__GNUC__=12 -DFDT_ASSUME_MASK=4 -Ihypervisor -Icohcheck -I. hypervisor devtree abi cohcheck

-include $(patsubst %.o,%.d,$(out-objs)) $(out)/gen/asm_offsets.d $(out)/tenon.d
-include $(patsubst %.o,$(host)/%.d,$(cohcheck-objs) $(cohcheck-command-objs) $(cohcheck-plugin-objs))
-include $(foreach fuzzer,$(fuzzers),$(patsubst %.o,$(fuzz)/%.d,$($(fuzzer)-objs)))
-include $(foreach test,$(unit-tests),$(patsubst %.o,$(unit)/%.d,$($(test)-objs)))
