/* SPDX-License-Identifier: MIT */
/*
 * The one door to Xen's public headers (Debian's libxen-dev).
 *
 * Nobody else includes <xen/...>. Host builds must see the arm64 layouts, not those of the machine
 * that runs the unit tests, so the architecture macros are swapped for the duration of the includes.
 * The layouts that guests and tools rely on are asserted below.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif

#pragma push_macro("__x86_64__")
#pragma push_macro("__i386__")
#pragma push_macro("__aarch64__")
#undef __x86_64__
#undef __i386__
#undef __aarch64__
#define __aarch64__ 1

#include <xen/xen.h>

#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

/* Xen's own, never seen by a guest (public/errno.h has it for the hypervisor only). */
enum {
	XEN_ERESTART = 85
};

#pragma pop_macro("__aarch64__")
#pragma pop_macro("__i386__")
#pragma pop_macro("__x86_64__")

/* xen-abi-arm: "5.1 Delivery on ARM" gives the sizes; they are the same for 32- and 64-bit guests. */
_Static_assert(sizeof(struct shared_info) == 1088, "shared_info: public/xen.h for arm");
_Static_assert(offsetof(struct shared_info, evtchn_pending) == 48, "shared_info: public/xen.h");
_Static_assert(offsetof(struct shared_info, evtchn_mask) == 560, "shared_info: public/xen.h");
_Static_assert(offsetof(struct shared_info, wc_version) == 1072, "shared_info: public/xen.h");
_Static_assert(sizeof(struct vcpu_info) == 48, "vcpu_info: public/xen.h for arm");
_Static_assert(offsetof(struct vcpu_info, evtchn_pending_sel) == 8, "vcpu_info: public/xen.h");
