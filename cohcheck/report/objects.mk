# SPDX-License-Identifier: MIT

# Symbols and lines of ELF files, for whoever needs no more.
symbols-objs := cohcheck/report/report_symbols.o cohcheck/report/report_dwarf.o

report-objs := $(symbols-objs) cohcheck/report/report_advice.o cohcheck/report/report_fold.o \
	cohcheck/report/report_html.o cohcheck/report/report_html_map.o cohcheck/report/report_html_page.o \
	cohcheck/report/report_json.o cohcheck/report/report_kind.o cohcheck/report/report_life.o \
	cohcheck/report/report_replay.o cohcheck/report/report_stream.o cohcheck/report/report_summary.o \
	cohcheck/report/report_suppress.o cohcheck/report/report_text.o
cohcheck-command-objs += $(report-objs)

report-test-libs := -ljson-c -ldw -lelf

unit-tests += report_suppress_test
report_suppress_test-objs := cohcheck/report/report_suppress_test.o cohcheck/report/report_suppress.o \
	cohcheck/report/report_kind.o

unit-tests += report_symbols_test
report_symbols_test-objs := cohcheck/report/report_symbols_test.o $(symbols-objs)
report_symbols_test-libs := $(report-test-libs)

unit-tests += report_fold_test
report_fold_test-objs := cohcheck/report/report_fold_test.o cohcheck/report/report_fake.o $(report-objs) $(model-objs)
report_fold_test-libs := $(report-test-libs)

unit-tests += report_output_test
report_output_test-objs := cohcheck/report/report_output_test.o cohcheck/report/report_fake.o $(report-objs) $(model-objs)
report_output_test-libs := $(report-test-libs)

# A small AArch64 program, linked but never run, and the same without symbols.
symbols-elf := $(unit)/gen/report_symbols_target.elf
unit-cflags-cohcheck/report/report_symbols_test.o := -DSYMBOLS_ELF='"$(symbols-elf)"'
unit-cflags-cohcheck/report/report_fold_test.o := -DSYMBOLS_ELF='"$(symbols-elf)"'
$(unit)/bin/report_symbols_test $(unit)/bin/report_fold_test: | $(symbols-elf)

$(symbols-elf): cohcheck/report/report_symbols_target.c
	@mkdir -p $(@D)
	$(quiet)$(CC) -g -O1 -ffreestanding -nostdlib -static -Wl,-Ttext=0x40080000,--build-id=none -o $@ $<
	$(quiet)$(OBJCOPY) --strip-all $@ $@.stripped
