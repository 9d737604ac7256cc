/* SPDX-License-Identifier: MIT */
/* Marks that public declarations carry: what the library exports, and what a caller must look at. */
#ifndef YSYNC_API_H
#define YSYNC_API_H

#if defined(__GNUC__)
#define YSYNC_API __attribute__((visibility("default")))
/* The result says whether it worked: ignoring it is a warning. */
#define YSYNC_CHECKED __attribute__((warn_unused_result))
#else
#define YSYNC_API
#define YSYNC_CHECKED
#endif

#endif
