/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <uv.h>

#include "base/alloc.h"
#include "net/mailbox.h"
#include "support/failing_alloc.h"

#define SENDERS 4
#define LETTERS_EACH 20000

struct numbered {
    struct ys_letter letter;
    unsigned sender;
    unsigned number;
};

/* What became of the letters. */
struct reader {
    struct ys_mailbox *mailbox;
    uv_thread_t thread;
    unsigned delivered[SENDERS];
    atomic_uint discarded; /* which senders do, too */
    unsigned closes_at;    /* this many letters of sender 0; 0: never */
};

static uv_loop_t loop;
static struct ys_test_alloc memory;
static struct reader reader;

static int set_up(void **state)
{
    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    reader = (struct reader){ .thread = uv_thread_self() };
    if (uv_loop_init(&loop) != 0)
        return -1;
    return ys_mailbox_open(&memory.alloc, &loop, &reader, &reader.mailbox) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (reader.mailbox)
        ys_mailbox_close(reader.mailbox);
    uv_run(&loop, UV_RUN_DEFAULT);
    ys_mailbox_unref(reader.mailbox);
    return uv_loop_close(&loop) == 0 && memory.live_blocks == 0 ? 0 : -1;
}

/* The test frees a mailbox itself once it is closed. */
static void close_mailbox(void)
{
    struct ys_mailbox *mailbox = reader.mailbox;

    ys_mailbox_close(mailbox);
    uv_run(&loop, UV_RUN_DEFAULT);
    reader.mailbox = NULL;
    ys_mailbox_unref(mailbox);
}

static void on_deliver(struct ys_letter *letter, void *owner)
{
    struct numbered *numbered = YS_CONTAINER_OF(letter, struct numbered, letter);
    uv_thread_t self = uv_thread_self();

    assert_ptr_equal(owner, &reader);
    assert_true(uv_thread_equal(&self, &reader.thread));
    assert_int_equal(numbered->number, reader.delivered[numbered->sender]);
    reader.delivered[numbered->sender]++;
    free(numbered);
    if (reader.closes_at && reader.delivered[0] == reader.closes_at)
        ys_mailbox_close(reader.mailbox);
}

static void on_discard(struct ys_letter *letter)
{
    reader.discarded++;
    free(YS_CONTAINER_OF(letter, struct numbered, letter));
}

static void send_letter(unsigned sender, unsigned number)
{
    struct numbered *numbered = malloc(sizeof(*numbered));

    *numbered = (struct numbered){ .letter = { .deliver = on_deliver, .discard = on_discard },
                                   .sender = sender,
                                   .number = number };
    ys_mailbox_send(reader.mailbox, &numbered->letter);
}

static void send_all(void *sender)
{
    for (unsigned i = 0; i < LETTERS_EACH; i++)
        send_letter(*(unsigned *)sender, i);
}

/* A mailbox does not keep its loop alive: this does, for as long as a test waits for letters. */
static void wait_for(unsigned sender, unsigned count)
{
    uv_async_t keeper;

    uv_async_init(&loop, &keeper, NULL);
    while (reader.delivered[sender] < count)
        uv_run(&loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&keeper, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
}

static void test_mailbox_delivers_in_order_on_its_thread(void **state)
{
    uv_thread_t threads[SENDERS];
    unsigned names[SENDERS];

    (void)state;
    for (unsigned i = 0; i < SENDERS; i++) {
        names[i] = i;
        assert_int_equal(uv_thread_create(&threads[i], send_all, &names[i]), 0);
    }
    for (unsigned i = 0; i < SENDERS; i++)
        wait_for(i, LETTERS_EACH);
    for (unsigned i = 0; i < SENDERS; i++) {
        uv_thread_join(&threads[i]);
        assert_int_equal(reader.delivered[i], LETTERS_EACH);
    }
    assert_int_equal(reader.discarded, 0);
}

static void test_mailbox_does_not_keep_its_loop_alive(void **state)
{
    (void)state;
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
}

static void on_deliver_and_send(struct ys_letter *letter, void *owner)
{
    (void)letter, (void)owner;
    send_letter(0, 0);
    assert_int_equal(reader.delivered[0], 0);
}

static void test_mailbox_delivers_what_a_letter_sends(void **state)
{
    struct ys_letter letter = { .deliver = on_deliver_and_send };

    (void)state;
    ys_mailbox_send(reader.mailbox, &letter);
    wait_for(0, 1);
    assert_int_equal(reader.delivered[0], 1);
}

static void test_mailbox_discards_what_nobody_will_read(void **state)
{
    (void)state;
    send_letter(0, 0);
    send_letter(0, 1);
    ys_mailbox_close(reader.mailbox);
    assert_int_equal(reader.discarded, 2);
    send_letter(0, 2);
    assert_int_equal(reader.discarded, 3);
    uv_run(&loop, UV_RUN_DEFAULT);
    send_letter(0, 3);
    assert_int_equal(reader.discarded, 4);
    assert_int_equal(reader.delivered[0], 0);
    ys_mailbox_unref(reader.mailbox);
    reader.mailbox = NULL;
}

static void test_mailbox_may_be_closed_by_a_letter(void **state)
{
    (void)state;
    reader.closes_at = 2;
    for (unsigned i = 0; i < 5; i++)
        send_letter(0, i);
    wait_for(0, 2);
    assert_int_equal(reader.delivered[0], 2);
    assert_int_equal(reader.discarded, 3);
    ys_mailbox_unref(reader.mailbox);
    reader.mailbox = NULL;
}

/* Each letter comes to its end once, whichever of the two it is. */
static void test_mailbox_closes_while_letters_come(void **state)
{
    unsigned name = 0;
    uv_thread_t thread;

    (void)state;
    assert_int_equal(uv_thread_create(&thread, send_all, &name), 0);
    wait_for(0, 1);
    ys_mailbox_close(reader.mailbox);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_thread_join(&thread);
    assert_int_equal(reader.delivered[0] + reader.discarded, LETTERS_EACH);
    ys_mailbox_unref(reader.mailbox);
    reader.mailbox = NULL;
}

static void test_mailbox_survives_a_failed_allocation(void **state)
{
    struct ys_mailbox *mailbox = NULL;

    (void)state;
    close_mailbox();
    memory.fail_at = memory.requests;
    assert_int_equal(ys_mailbox_open(&memory.alloc, &loop, &reader, &mailbox), YSYNC_ERR_NOMEM);
    assert_null(mailbox);
    assert_int_equal(memory.live_blocks, 0);
    ys_mailbox_unref(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_mailbox_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(delivers_in_order_on_its_thread), TEST(does_not_keep_its_loop_alive), TEST(delivers_what_a_letter_sends),
        TEST(discards_what_nobody_will_read),  TEST(may_be_closed_by_a_letter),    TEST(closes_while_letters_come),
        TEST(survives_a_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
