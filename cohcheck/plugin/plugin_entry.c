/* SPDX-License-Identifier: MIT */
/*
 * The state at reset: what the loader left where, and what the boot protocol promises of it (Linux: Documentation/arch/arm64/
 * booting.rst, "the address range corresponding to the loaded kernel image must be cleaned to the PoC").
 */
#include "plugin/plugin.h"

void plugin_entry_state(void)
{
	const struct plugin_options *options = &plugin.options;

	for (unsigned int n = 0; n < options->nr_clean; n++) {
		model_entry_clean(plugin.model, options->clean[n].start, options->clean[n].size);
	}
	/* Afterwards: --loaded may take a part of the kernel's range back, such as its .bss. */
	if (options->adversarial) {
		for (unsigned int n = 0; n < options->nr_loaded; n++) {
			model_entry_dirty(plugin.model, options->loaded[n].start,
					  options->loaded[n].size);
		}
	}
}
