/* SPDX-License-Identifier: MIT */
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "cli/give_back.h"
#include "cli/trimmer.h"

static atomic_uint count;
static sem_t given_back;

static void note_giving_back(void)
{
    atomic_fetch_add(&count, 1);
    sem_post(&given_back);
}

static int set_up(void **state)
{
    (void)state;
    atomic_store(&count, 0);
    return sem_init(&given_back, 0, 0);
}

static int tear_down(void **state)
{
    (void)state;
    return sem_destroy(&given_back);
}

static void wait_for_giving_back(void)
{
    struct timespec due;

    clock_gettime(CLOCK_REALTIME, &due);
    due.tv_sec += 30;
    if (sem_timedwait(&given_back, &due) != 0)
        fail_msg("nothing was given back within 30 s");
}

static void test_trimmer_gives_back_once_for_many_notes(void **state)
{
    struct ys_trimmer *trimmer;

    (void)state;
    assert_int_equal(ys_trimmer_start(note_giving_back, 500, &trimmer), YSYNC_OK);
    for (int round = 1; round <= 2; round++) {
        for (int i = 0; i < 100; i++)
            ys_trimmer_note(trimmer);
        wait_for_giving_back();
        assert_int_equal(atomic_load(&count), round);
    }
    ys_trimmer_stop(trimmer);
    assert_int_equal(atomic_load(&count), 2);
}

static void test_trimmer_stops_without_waiting(void **state)
{
    struct ys_trimmer *trimmer;

    (void)state;
    assert_int_equal(ys_trimmer_start(note_giving_back, 3600 * 1000, &trimmer), YSYNC_OK);
    ys_trimmer_note(trimmer);
    ys_trimmer_stop(trimmer);
    assert_int_equal(ys_trimmer_start(note_giving_back, 3600 * 1000, &trimmer), YSYNC_OK);
    ys_trimmer_stop(trimmer);
    ys_trimmer_stop(NULL);
    assert_int_equal(atomic_load(&count), 0);
}

static void test_trimmer_may_give_back_at_any_time(void **state)
{
    (void)state;
    ys_give_back_memory();
    ys_give_back_memory();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_trimmer_gives_back_once_for_many_notes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_trimmer_stops_without_waiting, set_up, tear_down),
        cmocka_unit_test(test_trimmer_may_give_back_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
