/* SPDX-License-Identifier: MIT */
/*
 * Who may come in, decided by the program: it is asked once for each connection and each HTTP request, and answers at
 * once or later, when it has asked a database or another server. Nobody else waits meanwhile.
 *
 *     verify(user, V, request) ......................................... ysync_verify_answer(V, YSYNC_ACCESS_WRITE)
 *        views of the request     the client may go, the plugin may be      exactly once, on the plugin's thread:
 *        end with the call        stopped and freed: V stays good           V ends here, whoever still listens
 *
 * A verification that is never answered leaks, and its client waits until it gives up.
 */
#ifndef YSYNC_VERIFY_H
#define YSYNC_VERIFY_H

#include <stdint.h>

#include "ysync/api.h"
#include "ysync/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ysync_access {
    YSYNC_ACCESS_NONE = 0,
    YSYNC_ACCESS_READ = 1,
    YSYNC_ACCESS_WRITE = 2,       /* and read */
    YSYNC_ACCESS_UNAVAILABLE = 3, /* cannot tell: the client is turned away, and may try again */
};

enum ysync_transport {
    YSYNC_TRANSPORT_WEBSOCKET = 0,
    YSYNC_TRANSPORT_HTTP = 1,
};

/* Its views end with the call of `verify`. */
struct ysync_verify_request {
    struct ysync_bytes room;  /* empty: good for every room? (the list of rooms, metrics) */
    struct ysync_bytes token; /* empty: none was given */
    struct ysync_bytes peer;  /* "127.0.0.1:50312", "[::1]:50312", "unix" */
    enum ysync_transport transport;
};

struct ysync_verification;

/* The answer may be given from inside. */
typedef void ysync_verify_fn(void *user, struct ysync_verification *verification,
                             const struct ysync_verify_request *request);

/* Exactly once for each verification, on the thread of the plugin that asked, and not from inside another callback of
 * its rooms. The allocator that the plugin was made with is still there; the plugin need not be. */
YSYNC_API void ysync_verify_answer(struct ysync_verification *verification, enum ysync_access access);

/* The same, for a while: after holds_ms milliseconds the connection is closed as one whose token has expired. An HTTP
 * request is answered all the same. */
YSYNC_API void ysync_verify_answer_for(struct ysync_verification *verification, enum ysync_access access,
                                       uint64_t holds_ms);

#ifdef __cplusplus
}
#endif

#endif
