/* SPDX-License-Identifier: MIT */
/*
 * Tenon's command line: Xen's option names as far as they mean something here, so that a boot
 * loader's configuration for Xen works unchanged. Fixed once boot_options_parse() has run.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/log.h"

#define BOOT_OPTION_TEXT 64

struct boot_options {
	uint64_t dom0_mem;       /* bytes */
	uint32_t dom0_max_vcpus; /* 0: one for each CPU */
	uint32_t maxcpus;        /* 0: all */
	/* Of dom0, and of a domU whose node says nothing else. */
	uint32_t gnttab_max_frames, gnttab_max_maptrack_frames;
	char dtuart[BOOT_OPTION_TEXT]; /* path or alias of the UART; empty: /chosen/stdout-path */
	enum log_level log_level;
	bool xsm_silo;      /* domUs may not share with each other */
	bool mem_attr_warn; /* C3: hypercall buffers that are not Write-Back are reported, but served */
	bool no_reboot;     /* a crash stops the machine instead of resetting it */
	bool rebuild;       /* the console key B builds domains of the device tree again */
};
extern struct boot_options boot_options;

/*
 * Parse the line, which may be NULL. Unknown options and bad values are one warning each and change
 * nothing; options of Xen's that have no meaning here are one line of the log. Does not need the console.
 */
void boot_options_parse(const char *line);
