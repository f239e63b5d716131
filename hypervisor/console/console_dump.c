/* SPDX-License-Identifier: MIT */
/*
 * What the keys d and m print. The figures of running vCPUs are read without stopping them: each is
 * right, but they need not be of one moment.
 */
#include "console/console_internal.h"

#include "domain/domain.h"
#include "lib/log.h"
#include "mm/mm.h"

#define NS_PER_MS     1000000
#define PAGES_PER_MIB 256

static const char *const domain_state_names[] = {
	[DOMAIN_CREATED] = "created",
	[DOMAIN_RUNNING] = "running",
	[DOMAIN_SHUTTING_DOWN] = "shutting down",
	[DOMAIN_SHUTDOWN] = "shut down",
	[DOMAIN_DYING] = "dying",
};

static const char *const sched_state_names[] = {
	[SCHED_OFFLINE] = "offline",
	[SCHED_BLOCKED] = "blocked",
	[SCHED_RUNNABLE] = "runnable",
	[SCHED_RUNNING] = "running",
};

static void print_vcpu(const struct vcpu *v)
{
	log_always("    v%u %s, CPU %u%s, %llu ms of CPU time, pc 0x%llx at its last exit%s", v->id,
		   sched_state_names[v->sched.state], v->sched.cpu,
		   v->sched.pause_count != 0 ? ", paused" : "",
		   (unsigned long long)(v->sched.cpu_time_ns / NS_PER_MS),
		   (unsigned long long)v->regs.pc, v->started ? "" : ", never started");
}

static void print_domains(void)
{
	struct domain *d = domain_get_next(0);

	log_always("domains:");
	while (d != NULL) {
		uint16_t next = (uint16_t)(d->id + 1);

		log_always("  d%u (%s): %s%s, %s, %u vCPU%s, %llu of %llu pages", d->id, d->name,
			   domain_state_names[d->state], d->pause_count != 0 ? " (paused)" : "",
			   d->warm ? "warm" : "cold", d->nr_vcpus, d->nr_vcpus == 1 ? "" : "s",
			   (unsigned long long)d->nr_pages, (unsigned long long)d->max_pages);
		for (unsigned int i = 0; i < d->nr_vcpus; i++) {
			if (d->vcpu[i] != NULL) {
				print_vcpu(d->vcpu[i]);
			}
		}
		domain_put(d);
		d = domain_get_next(next);
	}
}

static void print_memory(void)
{
	uint64_t total = frame_pool_total_frames();
	uint64_t free = frame_pool_free_frames();
	uint64_t dirty = frame_pool_dirty_frames();

	log_always("memory: %llu pages (%llu MiB), %llu free, %llu of these still to be scrubbed",
		   (unsigned long long)total, (unsigned long long)(total / PAGES_PER_MIB),
		   (unsigned long long)free, (unsigned long long)dirty);
	log_always("  %llu pages are tables of Tenon's own, which stay",
		   (unsigned long long)hyp_map_table_frames());
}

void console_dump_register(void)
{
	console_key_register('d', "domains and their vCPUs", print_domains);
	console_key_register('m', "memory", print_memory);
}
