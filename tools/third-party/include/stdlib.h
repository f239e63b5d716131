/* SPDX-License-Identifier: MIT */
/* libfdt includes <stdlib.h>, but uses nothing of it without its overlay code. */
#pragma once
