# SPDX-License-Identifier: MIT

cli-objs := cohcheck/cli/cli_arguments.o cohcheck/cli/cli_boot.o cohcheck/cli/cli_options.o cohcheck/cli/cli_output.o cohcheck/cli/cli_probe.o \
	cohcheck/cli/cli_qemu.o cohcheck/cli/cli_replay.o cohcheck/cli/cli_run.o cohcheck/cli/cli_settings.o
cohcheck-command-objs += $(cli-objs) cohcheck/cli/cli_main.o

unit-tests += cli_qemu_test
cli_qemu_test-objs := cohcheck/cli/cli_qemu_test.o cohcheck/cli/cli_qemu.o cohcheck/cli/cli_settings.o \
	cohcheck/cli/cli_probe.o
cli_qemu_test-libs := -ljson-c

unit-tests += cli_options_test
cli_options_test-objs := cohcheck/cli/cli_options_test.o cohcheck/cli/cli_options.o cohcheck/cli/cli_settings.o \
	cohcheck/cli/cli_probe.o $(symbols-objs) cohcheck/report/report_suppress.o \
	cohcheck/report/report_kind.o
cli_options_test-libs := -ljson-c -ldw -lelf

unit-tests += cli_boot_test
cli_boot_test-objs := cohcheck/cli/cli_boot_test.o cohcheck/cli/cli_boot.o cohcheck/cli/cli_options.o \
	cohcheck/cli/cli_settings.o cohcheck/cli/cli_probe.o $(symbols-objs) \
	cohcheck/report/report_suppress.o cohcheck/report/report_kind.o
cli_boot_test-libs := -ljson-c -ldw -lelf

# The program that report/ makes for its own tests.
unit-cflags-cohcheck/cli/cli_options_test.o := -DSYMBOLS_ELF='"$(symbols-elf)"'
unit-cflags-cohcheck/cli/cli_boot_test.o := -DSYMBOLS_ELF='"$(symbols-elf)"'
$(unit)/bin/cli_options_test $(unit)/bin/cli_boot_test: | $(symbols-elf)

unit-tests += cli_run_test
cli_run_test-objs := cohcheck/cli/cli_run_test.o $(cli-objs) $(report-objs) $(model-objs)
cli_run_test-libs := -ljson-c -ldw -lelf
