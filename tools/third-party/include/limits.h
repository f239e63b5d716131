/* SPDX-License-Identifier: MIT */
/* libfdt includes <limits.h>: the compiler's own comes first and asks for the C library's, which is this one. */
