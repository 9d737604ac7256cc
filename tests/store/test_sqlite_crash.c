/* SPDX-License-Identifier: MIT */
/*
 * A process that dies at its n-th change of a file, for all n: whatever it had acknowledged is there when the file is
 * opened again, and every room is in a state that it was asked to be in.
 *
 *     child    opens a new file, and plays: each round asks something of every room, and waits for all the answers
 *      | pipe  one byte for each OK: the room's number
 *     parent   opens what is left, and compares it with what the rounds come to
 *
 * Deaths are of three kinds: between two changes; in the middle of a write; and with the machine, which forgets all
 * that was not synced. SQLite's checkpoints come every few pages, so that many of the deaths are inside of one.
 *
 * The child is forked while no other thread lives: those of earlier parents have been joined.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define TYPED_CHARACTERS 1500 /* so that updates need more than their own page */
#include "store/asking.h"
#include "store/shim_vfs.h"
#include "store/temp_store.h"

#define ROOMS 3
#define ROUNDS 14
#define CHECKPOINT_PAGES 8

/* After so long only every second change is a death, after twice as long every third. */
#define SECONDS_FOR_EACH_KIND 4

enum death {
    BETWEEN_CHANGES,
    IN_THE_MIDDLE_OF_A_WRITE,
    WITH_THE_MACHINE,
};

#define HAS_FAILED 43

/* What is played */

enum move {
    APPEND,
    SAVE,
    REMOVE,
};

static enum move move_of(unsigned round, unsigned room)
{
    if (round == 0 || round % 5 == room + 1)
        return SAVE;
    return round % 7 == 6 && round % ROOMS == room ? REMOVE : APPEND;
}

/* How many updates a room holds after so many rounds; 0: it is not there. */
static unsigned state_after(unsigned rounds, unsigned room)
{
    unsigned count = 0;

    for (unsigned round = 0; round < rounds; round++) {
        switch (move_of(round, room)) {
        case APPEND:
            count += count > 0;
            break;
        case SAVE:
            count++;
            break;
        case REMOVE:
            count = 0;
            break;
        }
    }
    return count;
}

static const char *const names[ROOMS] = { "blog", "wiki", "chat" };

static struct asked *begin_move(struct ysync_store *store, unsigned round, unsigned room)
{
    unsigned count = state_after(round, room);

    switch (move_of(round, room)) {
    case APPEND:
        return begin_append(store, names[room], count);
    case SAVE:
        return begin_save(store, names[room], count + 1);
    case REMOVE:
        break;
    }
    return begin(store, YS_STORE_REMOVE, names[room], no_bytes);
}

/* The child */

static struct {
    enum death death;
    unsigned at; /* the change that it dies at, from 1 on */
    unsigned changes;
} fate;

static int die_in_time(const struct shim_change *change)
{
    if (++fate.changes != fate.at)
        return SQLITE_OK;
    if (fate.death == IN_THE_MIDDLE_OF_A_WRITE && change->kind == SHIM_WRITE)
        change->file->real->pMethods->xWrite(change->file->real, change->data, change->len / 2, change->at);
    if (fate.death == WITH_THE_MACHINE)
        shim_lose_power();
    kill(getpid(), SIGKILL); /* as sanitizers take their time for an exit */
    return SQLITE_IOERR;     /* never: it is dead */
}

static int checkpoint_often(sqlite3 *db, char **problem, const struct sqlite3_api_routines *api)
{
    (void)problem;
    (void)api;
    return sqlite3_wal_autocheckpoint(db, CHECKPOINT_PAGES);
}

static void play_round(struct ysync_store *store, unsigned round, int acknowledged)
{
    struct asked *asked[ROOMS];

    for (unsigned room = 0; room < ROOMS; room++)
        asked[room] = begin_move(store, round, room);
    for (unsigned room = 0; room < ROOMS; room++) {
        struct answer answer = finish(asked[room]);
        uint8_t byte = (uint8_t)room;
        bool has_nothing = state_after(round, room) == 0 && move_of(round, room) != SAVE;

        if (answer.err != (has_nothing ? YSYNC_ERR_NOT_FOUND : YSYNC_OK) || write(acknowledged, &byte, 1) != 1)
            _exit(HAS_FAILED);
    }
}

static void play(const struct temp_store *temp, int acknowledged)
{
    struct ysync_store *store;

    shim_install();
    shim.decide = die_in_time;
    shim.keeps_undo = fate.death == WITH_THE_MACHINE;
    shim.skips_syncs = true; /* the system lives on */
    sqlite3_auto_extension((void (*)(void))checkpoint_often);
    if (ysync_store_open(temp->url, NULL, &store, NULL))
        _exit(HAS_FAILED);
    for (unsigned round = 0; round < ROUNDS; round++)
        play_round(store, round, acknowledged);
    ysync_store_close(store);
    _exit(0);
}

/* The parent */

/* How many rounds each room was told to be through with. Returns whether the child died. */
static bool play_in_a_child(const struct temp_store *temp, unsigned acknowledged[ROOMS])
{
    int ends[2];
    int status;
    uint8_t room;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        play(temp, ends[1]);
    close(ends[1]);
    memset(acknowledged, 0, ROOMS * sizeof(*acknowledged));
    while (read(ends[0], &room, 1) == 1)
        acknowledged[room]++;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return true;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the child failed at change %u: status 0x%x", fate.at, status);
    return false;
}

static void check_room(struct ysync_store *store, unsigned room, unsigned acknowledged, unsigned asked)
{
    unsigned before = state_after(acknowledged, room);
    unsigned after = state_after(asked, room);
    struct answer answer = ask(store, YS_STORE_LOAD, names[room], no_bytes);
    unsigned got = 0;

    if (!answer.err)
        got = typed_count(answer.doc, before > after ? before : after);
    else if (answer.err != YSYNC_ERR_NOT_FOUND)
        fail_msg("%s: %s", names[room], answer.problem);
    if (got != before && got != after)
        fail_msg("death %d at change %u: %s holds %u updates, not %u or %u", (int)fate.death, fate.at, names[room], got,
                 before, after);
    ysync_doc_free(answer.doc);
}

/* A round is asked when the one before it was answered for all rooms. */
static unsigned rounds_asked(const unsigned acknowledged[ROOMS])
{
    unsigned least = ROUNDS;

    for (unsigned room = 0; room < ROOMS; room++)
        least = acknowledged[room] < least ? acknowledged[room] : least;
    return least < ROUNDS ? least + 1 : ROUNDS;
}

static void check_what_is_left(struct temp_store *temp, const unsigned acknowledged[ROOMS])
{
    temp_store_open(temp);
    if (temp->store->check(temp->store->user, &temp->problem))
        fail_msg("death %d at change %u: %s", (int)fate.death, fate.at, temp->problem.text);
    for (unsigned room = 0; room < ROOMS; room++)
        check_room(temp->store, room, acknowledged[room], rounds_asked(acknowledged));
    assert_answer(finish(begin_save(temp->store, "afterwards", 1)), YSYNC_OK);
}

static bool die_once(void)
{
    struct temp_store temp;
    unsigned acknowledged[ROOMS];
    bool has_died;

    temp_store_name(&temp);
    has_died = play_in_a_child(&temp, acknowledged);
    check_what_is_left(&temp, acknowledged);
    temp_store_deinit(&temp);
    return has_died;
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die_at_every_change(enum death death)
{
    double begun = now_s();
    unsigned deaths = 0;
    unsigned step = 1;

    for (unsigned count = 0; count < ROUNDS; count++)
        (void)typed_until(count); /* which the children find made */
    fate.death = death;
    for (fate.at = 1; die_once(); fate.at += step) {
        deaths++;
        step = 1 + (unsigned)((now_s() - begun) / SECONDS_FOR_EACH_KIND);
    }
    print_message("%u deaths in %u changes%s\n", deaths, fate.at, step > 1 ? ", as this takes long here" : "");
    assert_true(deaths > 50);
}

static void test_store_survives_the_death_of_its_process(void **state)
{
    (void)state;
    die_at_every_change(BETWEEN_CHANGES);
}

static void test_store_survives_writes_that_are_cut_short(void **state)
{
    (void)state;
    die_at_every_change(IN_THE_MIDDLE_OF_A_WRITE);
}

static void test_store_survives_a_machine_that_loses_its_power(void **state)
{
    (void)state;
    die_at_every_change(WITH_THE_MACHINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_survives_the_death_of_its_process),
        cmocka_unit_test(test_store_survives_writes_that_are_cut_short),
        cmocka_unit_test(test_store_survives_a_machine_that_loses_its_power),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
