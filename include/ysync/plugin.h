/* SPDX-License-Identifier: MIT */
/*
 * The sync plugin: rooms, WebSockets and HTTP, mounted on a libuv loop that the program runs anyway.
 *
 *     uv_loop_t of the program
 *       |-- the program's own handles: its HTTP server, its timers
 *       '-- ysync_plugin
 *             ysync_plugin_listen()        it has an address of its own, or
 *             ysync_plugin_take()          it is handed connections whose first request the program has read
 *             ysync_plugin_hub()           its rooms, as in ysync/room.h
 *
 * Threads: a plugin belongs to the thread that runs its loop; before the loop runs, to whoever makes it. All callbacks
 * come from that thread. Debug builds assert it.
 *
 * Inside callbacks: what ysync/room.h says of room events; `verify` may call the functions of ysync/room.h and
 * ysync_verify_answer(). No callback but `stopped` may call the functions below. Debug builds assert it.
 *
 * libuv writes to sockets whose other end may have gone: a program that handles SIGPIPE in no way of its own should
 * ignore it.
 */
#ifndef YSYNC_PLUGIN_H
#define YSYNC_PLUGIN_H

#include <stdint.h>

#include "ysync/alloc.h"
#include "ysync/err.h"
#include "ysync/log.h"
#include "ysync/problem.h"
#include "ysync/room.h"
#include "ysync/store.h"
#include "ysync/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

/* libuv's uv_loop_t and uv_stream_t, so that not everybody needs its header. */
struct uv_loop_s;
struct uv_stream_s;

struct ysync_plugin;

/* Which clients understand what, says docs/operating.md. */
enum ysync_reject {
    YSYNC_REJECT_4001 = 0, /* close codes 4001 and 4004, which every client of y-websocket understands */
    YSYNC_REJECT_4401 = 1, /* 4401 and 4404: newer clients then do not come back */
    YSYNC_REJECT_HTTP = 2, /* the upgrade is refused, with 401 or 404 */
};

/* Of the ways to authorize, at most one is given. Everything is copied by ysync_plugin_new(), but for alloc and what
 * log, verify_user, store and events point to. With a store, alloc is thread-safe. */
struct ysync_plugin_config {
    const struct ysync_alloc *alloc; /* NULL: malloc */
    struct ysync_log log;
    const char *const *routes; /* "/rooms/:room"; over HTTP the first one answers */
    size_t route_count;
    const char *const *tokens; /* any of these opens every room */
    size_t token_count;
    const char *token_file;     /* or a file decides that holds such tokens, one a line */
    const char *jwt_key_file;   /* or tokens must be signed (docs/operating.md): a file, a public key or a secret */
    const char *jwt_issuer;     /* who must have issued them; NULL: anybody */
    const char *jwt_audience;   /* for whom they must have been issued; NULL: for anybody */
    const char *verify_url;     /* or an HTTP endpoint that is asked (docs/operating.md): http: or https: */
    uint64_t verify_timeout_ms; /* for its answer */
    ysync_verify_fn *verify;    /* or the program decides; with none of these, rooms are open to all */
    void *verify_user;
    enum ysync_reject reject;           /* how a WebSocket is turned away */
    const char *const *allowed_origins; /* "https://app.example.org": browsers must come from one of these pages */
    size_t allowed_origin_count;        /* 0: from any */
    unsigned trusted_proxies;           /* how many stand in front and set X-Forwarded-For; 0: it is not believed */
    const char *tls_cert_file;          /* what it listens at speaks TLS with this chain, in PEM form; NULL: plain */
    const char *tls_key_file;           /* its key; both or neither */
    struct ysync_room_events events;
    const char *store_url;           /* where documents live: "sqlite:PATH" (ysync/store.h); NULL: in memory alone */
    const struct ysync_store *store; /* or a store of the program's, which outlives the plugin; not with `resolve` */
    uint64_t evict_after_ms;         /* how long an empty room is kept */
    int compress;                    /* permessage-deflate with WebSocket clients that offer it */
    int echoes;                      /* an applied update is sent back to its sender as well */
    enum ysync_gc gc;                /* what becomes of deleted content */
    size_t max_connections;          /* then new ones get HTTP 503; 0: no limit */
    size_t max_connections_per_ip;   /* then HTTP 429; 0: no limit */
    size_t max_rooms;                /* then new ones are refused; 0: no limit */
    size_t max_memory_bytes;         /* of all documents: then new rooms are refused; 0: no limit */
    size_t max_room_bytes;           /* of a document's memory: what would grow it further is refused; 0: no limit */
    size_t max_pending_bytes;        /* for each room, of updates whose dependencies have not come */
    size_t max_presence_bytes;       /* for each client id, of its presence state as JSON; more is refused */
    uint64_t ping_every_ms;          /* WebSocket pings; who has not answered by the next is dropped; 0: none */
    size_t max_message_bytes;        /* of a WebSocket message or a request body */
    size_t send_buffer_bytes;        /* most bytes queued for one connection */
    size_t messages_per_second; /* from one connection, averaged over 10 s: then it is read more slowly; 0: no limit */
};

/* Fills in the defaults: routes /rooms/:room and /:room, open to all, rooms are evicted after 60 s, pings every 30 s,
 * 64 MiB, 1 MiB, 16 MiB of pending updates, 64 KiB for a presence state. */
YSYNC_API void ysync_plugin_config_init(struct ysync_plugin_config *config);

/* Mounts a plugin on a loop, which outlives it and which it does not keep alive by itself: what is listened at and who
 * is connected does. problem (may be NULL) is written on errors. Errors: INVALID_ARG; NOMEM; IO; MALFORMED (what a file
 * of TLS holds). */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_plugin_new(struct uv_loop_s *loop,
                                                        const struct ysync_plugin_config *config,
                                                        struct ysync_plugin **out, struct ysync_problem *problem);

/* It has stopped (ysync_plugin_stop()), or nobody was ever connected. What libuv still holds goes in the loop's next
 * turn: run it once more before uv_loop_close(). Accepts NULL. */
YSYNC_API void ysync_plugin_free(struct ysync_plugin *plugin);

/* Listens at one more address: "127.0.0.1", "::1", or "unix:/run/ysync.sock", where the port does not matter. port 0: a
 * free one. Errors: INVALID_ARG, IO (a port in use, an address that is not ours), NOMEM. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_plugin_listen(struct ysync_plugin *plugin, const char *host, uint16_t port,
                                                           struct ysync_problem *problem);

/* The i-th address it listens at, "http://127.0.0.1:3913", with the real port; NULL past the last. Good until the next
 * ysync_plugin_listen() or ysync_plugin_stop(). */
YSYNC_API const char *ysync_plugin_address(const struct ysync_plugin *plugin, size_t i);

/* Takes over a connection whose first request the program has read: `read` is all that has come from the socket so far,
 * the request's head and, perhaps, what stands behind it, 64 KiB at most. The plugin reads the head again, answers it,
 * and keeps the connection to its end: requests that follow on it are the plugin's too. The program decides which
 * requests these are: upgrades to WebSockets, or everything below "/rooms/". fd is a connected TCP or Unix socket that
 * no loop watches, and the plugin's to close from now on.
 *
 * Errors: NOMEM; IO; LIMIT (more was read); CLOSED (the plugin is stopping): then fd is still the program's. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_plugin_take(struct ysync_plugin *plugin, int fd, struct ysync_bytes read);

/* The same for a connection of libuv's (a uv_tcp_t or uv_pipe_t, cast to uv_stream_t), on any loop of this thread. The
 * socket is duplicated: stop reading from the stream before, and uv_close() it afterwards, whatever this returns. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_plugin_take_stream(struct ysync_plugin *plugin, struct uv_stream_s *stream,
                                                                struct ysync_bytes read);

/* Reads the files that the configuration names again: who is connected stays, who comes is held against what they say
 * now. problem (may be NULL) is written on errors, and then all is as it was. Errors: INVALID_ARG, IO, LIMIT,
 * MALFORMED, NOMEM. */
YSYNC_API YSYNC_CHECKED enum ysync_err ysync_plugin_reload(struct ysync_plugin *plugin, struct ysync_problem *problem);

/* The plugin's rooms: to look at, to open, to change (ysync_room_apply(), whose time is uv_now() of the loop), to drop
 * (then clients are closed with 4404), and to join without a socket. It ticks by itself. Good until
 * ysync_plugin_free(). */
YSYNC_API struct ysync_hub *ysync_plugin_hub(const struct ysync_plugin *plugin);

/* Stops listening, closes every connection with 1001, and calls `stopped`, which must be there, when the last is gone:
 * at the latest after timeout_ms, perhaps from inside this call. ysync_plugin_free() may be called from inside
 * `stopped`. Once. */
YSYNC_API void ysync_plugin_stop(struct ysync_plugin *plugin, uint64_t timeout_ms, void (*stopped)(void *user),
                                 void *user);

#ifdef __cplusplus
}
#endif

#endif
