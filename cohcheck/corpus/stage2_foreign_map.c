/* SPDX-License-Identifier: MIT */
/*
 * A privileged guest, caches on, has another one's page mapped while that one's caches are off. If stage 2
 * makes that mapping non-cacheable, whatever the guest's own tables say, no alias is left that could fetch
 * lines.
 */
#include "corpus/lib/corpus.h"
#include "corpus/lib/corpus_stage2.h"

void guest(void)
{
	image_on();
	stage2_on(0, TWIN ? MAP_NC : MAP_WB);
	stage2_guest_caches_on();
	require(stage2_guest_read(ARENA) == 0);
	reuse_prepare(&image_space, ARENA);
	reuse_page(&image_space, ARENA);
}
