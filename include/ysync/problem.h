/* SPDX-License-Identifier: MIT */
/* Why something could not be done, for a person who set it up. */
#ifndef YSYNC_PROBLEM_H
#define YSYNC_PROBLEM_H

#ifdef __cplusplus
extern "C" {
#endif

/* One line without a full stop, naming the value at fault: "port 3913 on 127.0.0.1 is in use". */
struct ysync_problem {
    char text[256];
};

#ifdef __cplusplus
}
#endif

#endif
