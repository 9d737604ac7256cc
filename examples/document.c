/* SPDX-License-Identifier: MIT */
/*
 * A document alone, without rooms and sockets: what a program needs that has its own way of moving bytes.
 *
 * Two people wrote, one after the other:
 *
 *     client 1   Hello
 *     client 2        , world
 *
 * Their updates arrive in the wrong order: the second waits until the first, on which it depends, has come.
 */
#include <stdio.h>

#include <ysync/ysync.h>

/* Y.encodeStateAsUpdate() of a Y.Text "note" after each of the two edits. */
static const uint8_t hello[] = { 0x01, 0x01, 0x01, 0x00, 0x04, 0x01, 0x04, 'n', 'o',
                                 't',  'e',  0x05, 'H',  'e',  'l',  'l',  'o', 0x00 };
static const uint8_t world[] = {
    0x01, 0x01, 0x02, 0x00, 0x84, 0x01, 0x04, 0x07, ',', ' ', 'w', 'o', 'r', 'l', 'd', 0x00
};

/* Y.encodeStateVector() of somebody who has seen all of client 1's text and nothing of client 2's. */
static const uint8_t knows_hello[] = { 0x01, 0x01, 0x05 };

static void print_hex(const char *what, struct ysync_bytes bytes)
{
    printf("%s", what);
    for (size_t i = 0; i < bytes.len; i++)
        printf(" %02x", bytes.data[i]);
    printf("\n");
}

static void print_news(void *user, uint64_t origin, struct ysync_bytes update)
{
    (void)user;
    printf("new from %llu: %zu bytes\n", (unsigned long long)origin, update.len);
}

static enum ysync_err apply(struct ysync_doc *doc, const uint8_t *update, size_t len, uint64_t origin)
{
    return ysync_doc_apply(doc, (struct ysync_bytes){ update, len }, origin, print_news, NULL);
}

static enum ysync_err print_state(struct ysync_doc *doc)
{
    struct ysync_bytes state_vector, diff;
    enum ysync_err err = ysync_doc_state_vector(doc, &state_vector);

    if (err)
        return err;
    print_hex("state vector:", state_vector);
    ysync_bytes_free(NULL, state_vector);

    err = ysync_doc_diff(doc, (struct ysync_bytes){ knows_hello, sizeof(knows_hello) }, &diff);
    if (err)
        return err;
    print_hex("what client 1 lacks:", diff);
    ysync_bytes_free(NULL, diff);
    return YSYNC_OK;
}

int main(void)
{
    struct ysync_doc *doc = NULL;
    enum ysync_err err = ysync_doc_new(NULL, &doc);

    if (!err)
        err = apply(doc, world, sizeof(world), 2);
    if (!err)
        err = apply(doc, hello, sizeof(hello), 1);
    if (!err)
        err = print_state(doc);
    if (err)
        fprintf(stderr, "%s: %s\n", ysync_strerror(err), err == YSYNC_ERR_MALFORMED ? ysync_doc_problem(doc) : "");
    ysync_doc_free(doc);
    return err != YSYNC_OK;
}
