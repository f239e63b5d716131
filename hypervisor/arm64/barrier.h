/* SPDX-License-Identifier: MIT */
/* Barriers. Each use says what it orders and names its partner (style guide, "Comments"). */
#pragma once

#define isb()       __asm__ volatile("isb" ::: "memory")
#define dsb_sy()    __asm__ volatile("dsb sy" ::: "memory")
#define dsb_ish()   __asm__ volatile("dsb ish" ::: "memory")
#define dsb_ishst() __asm__ volatile("dsb ishst" ::: "memory")
#define dsb_nsh()   __asm__ volatile("dsb nsh" ::: "memory")
#define dmb_sy()    __asm__ volatile("dmb sy" ::: "memory")
#define dmb_ish()   __asm__ volatile("dmb ish" ::: "memory")
#define dmb_ishst() __asm__ volatile("dmb ishst" ::: "memory")
#define dmb_ishld() __asm__ volatile("dmb ishld" ::: "memory")
