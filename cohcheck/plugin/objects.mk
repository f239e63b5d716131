# SPDX-License-Identifier: MIT

cohcheck-plugin-objs += \
	cohcheck/plugin/plugin_access.o \
	cohcheck/plugin/plugin_args.o \
	cohcheck/plugin/plugin_context.o \
	cohcheck/plugin/plugin_device.o \
	cohcheck/plugin/plugin_entry.o \
	cohcheck/plugin/plugin_main.o \
	cohcheck/plugin/plugin_maintenance.o \
	cohcheck/plugin/plugin_memory.o \
	cohcheck/plugin/plugin_pending.o \
	cohcheck/plugin/plugin_registers.o \
	cohcheck/plugin/plugin_report.o \
	cohcheck/plugin/plugin_reset.o \
	cohcheck/plugin/plugin_site.o \
	cohcheck/plugin/plugin_stream.o \
	cohcheck/plugin/plugin_tlb.o \
	cohcheck/plugin/plugin_translate.o \
	cohcheck/plugin/plugin_trap.o
