/* SPDX-License-Identifier: MIT */
/*
 * Host stand-in of hypervisor/arm64/percpu.h: an array indexed by the fake CPU, which belongs to
 * the thread (fake_machine_set_cpu()).
 */
#pragma once

#include "lib/compiler.h"
#include "tests/unit/fake_machine.h"

#define MAX_CPUS                    FAKE_MACHINE_MAX_CPUS

#define DECLARE_PER_CPU(type, name) extern __typeof__(type) percpu_##name[MAX_CPUS]
#define DEFINE_PER_CPU(type, name)  __typeof__(type) percpu_##name[MAX_CPUS]

#define this_cpu(name)              (percpu_##name[fake_machine_cpu])
#define per_cpu(name, cpu)          (percpu_##name[cpu])

DECLARE_PER_CPU(unsigned int, cpu_id);
#define this_cpu_id() (this_cpu(cpu_id))

extern unsigned int nr_cpus;
