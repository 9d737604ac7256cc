/* SPDX-License-Identifier: MIT */
/*
 * A tiny HTTP and WebSocket client that says and reads exactly what a test wants, right or wrong. When something does
 * not come in time the test fails.
 *
 * While it waits it calls `pump`, for servers that run on the test's own thread; without one it waits for the socket.
 */
#ifndef YS_TEST_CLIENT_H
#define YS_TEST_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ys_client {
    int fd;
    void (*pump)(void *user); /* NULL: the server runs elsewhere */
    void *user;
    bool takes_compressed; /* frames with RSV1; set it after opening */

    /* In place of the system calls, and as they are: errno says why. NULL: those. */
    ssize_t (*send)(struct ys_client *client, const void *data, size_t len);
    ssize_t (*recv)(struct ys_client *client, void *to, size_t len);
    void *wire; /* theirs */
};

/* Connects to 127.0.0.1. */
void ys_client_open(struct ys_client *client, uint16_t port, void (*pump)(void *user), void *user);
/* The same at a Unix socket. */
void ys_client_open_path(struct ys_client *client, const char *path, void (*pump)(void *user), void *user);
void ys_client_close(struct ys_client *client);
/* Says that nothing more will be sent. */
void ys_client_finish(struct ys_client *client);

void ys_client_send(struct ys_client *client, const void *data, size_t len);
void ys_client_send_str(struct ys_client *client, const char *str);

/* Reads until `len` bytes are there or the server has finished; returns how many came. A reset fails the test. */
size_t ys_client_read(struct ys_client *client, void *to, size_t len);
/* Fails unless the next thing that comes is the server's end. */
void ys_client_expect_end(struct ys_client *client);

/* Reads an HTTP head up to its empty line, and nothing behind it. */
void ys_client_read_head(struct ys_client *client, char *to, size_t size);

struct ys_client_answer {
    int status;
    char head[4096];  /* with its status line */
    char body[16384]; /* zero-terminated */
    size_t body_len;
};

/* Reads one HTTP answer that has a Content-Length; has_body is false for answers to HEAD. */
void ys_client_read_answer(struct ys_client *client, bool has_body, struct ys_client_answer *out);
/* Sends a GET and reads the answer. */
void ys_client_get(struct ys_client *client, const char *target, struct ys_client_answer *out);

/* Puts the request for a WebSocket into `to`; extra_fields are whole lines, or "". */
void ys_client_format_upgrade(char *to, size_t size, const char *target, const char *extra_fields);
/* Sends it and reads the 101. */
void ys_client_upgrade(struct ys_client *client, const char *target);

/* A masked frame: first_byte is FIN, reserved bits and opcode. At most 65535 bytes at `to` + 8 are needed. */
size_t ys_client_put_frame(uint8_t *to, uint8_t first_byte, const void *payload, size_t len);
void ys_client_send_frame(struct ys_client *client, uint8_t first_byte, const void *payload, size_t len);
void ys_client_send_message(struct ys_client *client, const void *payload, size_t len);
void ys_client_send_close(struct ys_client *client, uint16_t code);

struct ys_client_frame {
    uint8_t opcode;
    bool is_compressed;
    size_t len;
    uint8_t payload[65536]; /* of longer frames only the beginning is kept */
};

/* A whole, unmasked, final frame. */
void ys_client_read_frame(struct ys_client *client, struct ys_client_frame *out);
/* Passes over other frames; fails unless the close frame has this code, and then the end comes. The reason is left in
 * reason[126]. */
void ys_client_expect_close(struct ys_client *client, uint16_t code, char *reason);

#endif
