# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/grant/grant_cache.o hypervisor/grant/grant_entry.o
