# SPDX-License-Identifier: MIT
#
# Guests with a planted bug, and their correct twins: `make corpus` builds $(build)/corpus/<guest>.elf and <guest>-twin.elf,
# each from its .c and the library. corpus.list says how each is run and what must be reported.

corpus-guests := aarch32_cold_read alias_device_read_unclean alias_hardware_access_flag alias_merge_into_stale \
	alias_mixed_read_unclean alias_nc_read_unclean alias_nc_write_not_invalidated alias_nc_write_over_dirty \
	alias_nc_write_read_cached alias_of_cpu_still_on alias_without_access_flag \
	alias_write_back_not_write_through alias_write_through_stale atomic_mmu_off atomic_nc_alias \
	attribute_change_flushed_before attribute_change_without_flush bbm_attribute bbm_contiguous bbm_merge_pages \
	bbm_more_than_permissions bbm_output_address bbm_split_block bbm_stage2 bbm_without_tlbi code_beside_data \
	code_ic_before_last_use code_ic_step_too_large code_local_ic code_overlay_mmu_off code_patched_in_place code_under_stale_line \
	code_without_clean code_without_dsb_after_ic code_without_dsb_before_ic code_without_ic code_write_through \
	code_written_uncached dma_buffer_shares_line dma_descriptor_unclean dma_dirty_buffer \
	dma_not_invalidated_after dma_second_transfer el0_nc_read_unclean \
	el3_tlbi_missing entry_module_unclean entry_page_not_invalidated entry_table_not_invalidated \
	exclusive_mmu_off exclusive_nc_alias granule_16k_tlbi_missing granule_16k_walked_nc granule_64k_direct_map \
	granule_64k_tlbi_missing ivac_at_el1 ivac_of_dirty ivac_of_neighbour kexec_arguments_unclean \
	kexec_bss_not_invalidated kexec_cleaned_too_early kexec_code_icache_on kexec_code_unclean \
	line_shared_by_two_owners loop_ends_early loop_overflows loop_start_not_aligned loop_step_too_large \
	loop_wrong_address mmu_off_on_stale mmu_off_over_dirty mmu_off_without_clean race_alias_kept \
	race_alias_made_again race_clean_to_pou race_clean_with_store_dsb race_clean_without_dsb \
	race_code_missing_clean race_code_missing_ic race_direct_map race_direct_map_gigabyte \
	race_flush_then_teardown race_missing_clean race_scrub_before_reuse race_tables_alias_kept \
	race_teardown_without_tlbi race_tlbi_without_dsb race_write_after_clean race_write_between_clean_and_dsb \
	race_zeroed_with_zva reset_missing_clean smp_dsb_on_wrong_cpu smp_mailbox_unclean smp_off_before_dsb \
	smp_secondary_rebuilds_tables smp_secondary_writes_cold smp_set_way smp_spin_table smp_stack_before_mmu \
	smp_tables_for_secondary smp_tables_other_cpu_alias smp_trampoline_unclean stage2_alias_kept \
	stage2_default_cacheable stage2_default_cacheable_dirty stage2_forced_type_forgotten stage2_foreign_map \
	stage2_guest_disabled stage2_missing_clean stage2_non_cacheable stage2_warm_guest_dirty store_across_lines \
	store_atomic store_exclusive store_mops store_pair store_simd store_sve table_cached_store_nc_walk \
	table_new_level_nc_walk table_rebuilt_mmu_off table_stage2_nc_walk table_walk_with_c_off tlbi_asid_of_global \
	tlbi_asid_reused tlbi_before_unmap tlbi_dsb_loads_only tlbi_dsb_nxs tlbi_global_after_switch tlbi_last_level_of_table tlbi_local \
	tlbi_missing tlbi_one_page_of_table tlbi_range_too_short tlbi_stage2_ipa_only tlbi_stage2_missing \
	tlbi_va_not_shifted tlbi_va_wrong_asid tlbi_vmid_comes_back tlbi_without_dsb_before tlbi_without_dsb_on_cpu \
	tlbi_wrong_asid tlbi_wrong_regime tlbi_wrong_va tlbi_wrong_vmid trap_swallows_clean vhe_missing_clean vhe_tlbi_of_guest \
	vhe_wrong_asid

corpus-lib := corpus_start corpus_map corpus_console corpus_cpu corpus_life corpus_stage2 corpus_dma
corpus-lib-objs := $(corpus-lib:%=$(out)/corpus/lib/%.o)

# The instructions that matter are asm; what the compiler adds must be aligned (the MMU may be off) and visible (no inlined tails).
corpus-cflags = $(base-cflags) $(warnings) -O2 -Icohcheck -fno-optimize-sibling-calls -MMD -MP

.PHONY: corpus
corpus: $(foreach guest,$(corpus-guests),$(build)/corpus/$(guest).elf $(build)/corpus/$(guest)-twin.elf)
	@:

$(out)/corpus/lib/%.o: cohcheck/corpus/lib/%.c $(out)/flags
	@mkdir -p $(@D)
	$(quiet)$(CC) $(corpus-cflags) $(isystem-once) -c -o $@ $<

$(out)/corpus/lib/%.o: cohcheck/corpus/lib/%.S $(out)/flags
	@mkdir -p $(@D)
	$(quiet)$(CC) $(asflags) $(isystem-once) -nostdinc -MMD -MP -c -o $@ $<

$(out)/corpus/%.o: cohcheck/corpus/%.c $(out)/flags
	@mkdir -p $(@D)
	$(quiet)$(CC) $(corpus-cflags) $(isystem-once) -DTWIN=0 -c -o $@ $<

$(out)/corpus/%-twin.o: cohcheck/corpus/%.c $(out)/flags
	@mkdir -p $(@D)
	$(quiet)$(CC) $(corpus-cflags) $(isystem-once) -DTWIN=1 -c -o $@ $<

$(build)/corpus/%.elf: $(out)/corpus/%.o $(corpus-lib-objs) cohcheck/corpus/lib/corpus.lds
	$(call note,CORPUS,$@)
	@mkdir -p $(@D)
	$(quiet)$(LD) -nostdlib -static --build-id=none -z max-page-size=65536 -z noexecstack --no-warn-rwx-segments \
		-T cohcheck/corpus/lib/corpus.lds -o $@ $(filter %.o,$^)

-include $(wildcard $(out)/corpus/*.d $(out)/corpus/lib/*.d)
