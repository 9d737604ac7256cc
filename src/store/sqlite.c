/* SPDX-License-Identifier: MIT */
/*
 *     waiting    under the lock     writes [ w w w ]      reads [ r r r r r r ]
 *        |  all at once
 *     taken      the thread's own   writes [ w w w ]      reads [ . . r r r r ]
 *
 * The two pairs of arrays change places, so that asking needs no memory once they have grown. Reads are taken together
 * with the writes that were there before them, and those are written first; when the reads that were taken have been
 * served, in portions, the next are taken.
 *
 * The connection belongs to the thread: checking and compacting are done there too, while the caller waits.
 */
#include "store/sqlite.h"

#include <signal.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/problem.h"
#include "store/sqlite_work.h"

/* Reads that are served before writes have their turn again. */
#define READS_IN_A_TURN 16

/* An array that has grown past this is given back when it is empty. */
#define MAX_IDLE_QUESTIONS 1024

struct questions {
    struct ys_sqlite_question *items;
    size_t count;
    size_t cap;
};

/* What a tool asks for, and waits for. */
struct chore {
    struct ys_list node; /* in sqlite->chores */
    enum ysync_err (*run)(struct ys_sqlite_file *file, struct ysync_problem *problem);
    enum ysync_err err;
    struct ysync_problem problem;
    bool is_done;
};

struct sqlite {
    struct ysync_store store;
    const struct ysync_alloc *alloc;
    bool is_read_only;

    /* The thread's own, while it runs. */
    struct ys_sqlite_file file;
    struct questions writes;
    struct questions reads;
    size_t reads_served;

    uv_thread_t thread;
    uv_mutex_t mutex;
    uv_cond_t work;                  /* there is something to do */
    uv_cond_t done;                  /* a chore is */
    struct questions waiting_writes; /* these are guarded by the mutex */
    struct questions waiting_reads;
    struct ys_list chores;
    bool is_closing;
};

/* Asking */

static void ask(struct sqlite *sqlite, struct questions *waiting, const struct ys_sqlite_question *question)
{
    bool has_room;

    uv_mutex_lock(&sqlite->mutex);
    has_room = ys_grow_array(sqlite->alloc, &waiting->items, &waiting->cap, waiting->count + 1, sizeof(*question));
    if (has_room)
        waiting->items[waiting->count++] = *question;
    if (has_room && waiting->count == 1)
        uv_cond_signal(&sqlite->work);
    uv_mutex_unlock(&sqlite->mutex);
    if (!has_room)
        ysync_store_answer(question->request, YSYNC_ERR_NOMEM, NULL);
}

static void ask_to_write(struct sqlite *sqlite, const struct ys_sqlite_question *question)
{
    struct ysync_problem problem;

    if (!sqlite->is_read_only) {
        ask(sqlite, &sqlite->waiting_writes, question);
        return;
    }
    ys_problem_set(&problem, "%s is open for reading only", sqlite->file.place.path);
    ysync_store_answer(question->request, YSYNC_ERR_DENIED, problem.text);
}

static void load(void *user, struct ysync_store_request *request, struct ysync_bytes room)
{
    struct sqlite *sqlite = user;

    ask(sqlite, &sqlite->waiting_reads,
        &(struct ys_sqlite_question){ .kind = YS_SQLITE_LOAD, .request = request, .room = room });
}

static void append(void *user, struct ysync_store_request *request, struct ysync_bytes room, struct ysync_bytes update)
{
    ask_to_write(user, &(struct ys_sqlite_question){
                           .kind = YS_SQLITE_APPEND, .request = request, .room = room, .bytes = update });
}

static void save(void *user, struct ysync_store_request *request, struct ysync_bytes room, struct ysync_bytes snapshot)
{
    ask_to_write(user, &(struct ys_sqlite_question){
                           .kind = YS_SQLITE_SAVE, .request = request, .room = room, .bytes = snapshot });
}

static void remove_room(void *user, struct ysync_store_request *request, struct ysync_bytes room)
{
    ask_to_write(user, &(struct ys_sqlite_question){ .kind = YS_SQLITE_REMOVE, .request = request, .room = room });
}

static void list(void *user, struct ysync_store_request *request, struct ysync_bytes after, size_t limit)
{
    struct sqlite *sqlite = user;

    ask(sqlite, &sqlite->waiting_reads,
        &(struct ys_sqlite_question){ .kind = YS_SQLITE_LIST, .request = request, .room = after, .limit = limit });
}

/* Chores */

static enum ysync_err do_chore(struct sqlite *sqlite,
                               enum ysync_err (*run)(struct ys_sqlite_file *file, struct ysync_problem *problem),
                               struct ysync_problem *problem)
{
    struct chore chore = { .run = run };

    uv_mutex_lock(&sqlite->mutex);
    ys_list_append(&sqlite->chores, &chore.node);
    uv_cond_signal(&sqlite->work);
    while (!chore.is_done)
        uv_cond_wait(&sqlite->done, &sqlite->mutex);
    uv_mutex_unlock(&sqlite->mutex);
    if (chore.err && problem)
        *problem = chore.problem;
    return chore.err;
}

static enum ysync_err check(void *user, struct ysync_problem *problem)
{
    return do_chore(user, ys_sqlite_file_check, problem);
}

static enum ysync_err compact(void *user, struct ysync_problem *problem)
{
    struct sqlite *sqlite = user;

    if (!sqlite->is_read_only)
        return do_chore(sqlite, ys_sqlite_file_compact, problem);
    ys_problem_set(problem, "%s is open for reading only", sqlite->file.place.path);
    return YSYNC_ERR_DENIED;
}

/* The thread */

static void swap(struct questions *a, struct questions *b)
{
    struct questions kept = *a;

    *a = *b;
    *b = kept;
}

static void clear(const struct sqlite *sqlite, struct questions *questions)
{
    questions->count = 0;
    if (questions->cap <= MAX_IDLE_QUESTIONS)
        return;
    ys_free(sqlite->alloc, questions->items);
    *questions = (struct questions){ NULL, 0, 0 };
}

static bool has_work(const struct sqlite *sqlite)
{
    return sqlite->reads_served < sqlite->reads.count || sqlite->waiting_writes.count > 0 ||
           sqlite->waiting_reads.count > 0 || !ys_list_is_empty(&sqlite->chores);
}

/* Waits for something to do, and takes it. False: there will be nothing any more. */
static bool take(struct sqlite *sqlite, struct chore **chore)
{
    bool is_over;

    uv_mutex_lock(&sqlite->mutex);
    while (!has_work(sqlite) && !sqlite->is_closing)
        uv_cond_wait(&sqlite->work, &sqlite->mutex);
    is_over = !has_work(sqlite);
    swap(&sqlite->writes, &sqlite->waiting_writes);
    if (sqlite->reads_served == sqlite->reads.count) {
        clear(sqlite, &sqlite->reads);
        sqlite->reads_served = 0;
        swap(&sqlite->reads, &sqlite->waiting_reads);
    }
    *chore = NULL;
    if (!ys_list_is_empty(&sqlite->chores)) {
        *chore = YS_CONTAINER_OF(sqlite->chores.next, struct chore, node);
        ys_list_remove(&(*chore)->node);
    }
    uv_mutex_unlock(&sqlite->mutex);
    return !is_over;
}

static void serve_reads(struct sqlite *sqlite)
{
    size_t left = sqlite->reads.count - sqlite->reads_served;
    size_t count = left < READS_IN_A_TURN ? left : READS_IN_A_TURN;
    size_t first = sqlite->reads_served;

    if (count == 0)
        return;
    ys_sqlite_read(&sqlite->file, sqlite->reads.items + first, count);
    sqlite->reads_served += count;
}

/* The chore is gone when its caller learns that it is done. */
static void serve_chore(struct sqlite *sqlite, struct chore *chore)
{
    enum ysync_err err = ys_sqlite_file_attend(&sqlite->file, &chore->problem);

    if (!err)
        err = chore->run(&sqlite->file, &chore->problem);
    if (err)
        ys_sqlite_file_disconnect(&sqlite->file);
    uv_mutex_lock(&sqlite->mutex);
    chore->err = err;
    chore->is_done = true;
    uv_cond_broadcast(&sqlite->done);
    uv_mutex_unlock(&sqlite->mutex);
}

static void run_thread(void *user)
{
    struct sqlite *sqlite = user;
    struct chore *chore;

    while (take(sqlite, &chore)) {
        ys_sqlite_write(&sqlite->file, sqlite->writes.items, sqlite->writes.count);
        clear(sqlite, &sqlite->writes);
        serve_reads(sqlite);
        if (chore)
            serve_chore(sqlite, chore);
    }
}

/* Signals are for the threads of the program. */
static int start_thread(struct sqlite *sqlite)
{
    sigset_t all;
    sigset_t before;
    int status;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status = uv_thread_create(&sqlite->thread, run_thread, sqlite);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

/* Life */

static void free_questions(struct sqlite *sqlite)
{
    ys_free(sqlite->alloc, sqlite->writes.items);
    ys_free(sqlite->alloc, sqlite->reads.items);
    ys_free(sqlite->alloc, sqlite->waiting_writes.items);
    ys_free(sqlite->alloc, sqlite->waiting_reads.items);
}

static void close_store(void *user)
{
    struct sqlite *sqlite = user;

    uv_mutex_lock(&sqlite->mutex);
    sqlite->is_closing = true;
    uv_cond_signal(&sqlite->work);
    uv_mutex_unlock(&sqlite->mutex);
    uv_thread_join(&sqlite->thread);
    ys_sqlite_file_close(&sqlite->file);
    free_questions(sqlite);
    uv_cond_destroy(&sqlite->done);
    uv_cond_destroy(&sqlite->work);
    uv_mutex_destroy(&sqlite->mutex);
    ys_free(sqlite->alloc, sqlite);
}

static enum ysync_err from_uv(int status, struct ysync_problem *problem)
{
    ys_problem_set(problem, "cannot start a thread: %s", uv_strerror(status));
    return status == UV_ENOMEM ? YSYNC_ERR_NOMEM : YSYNC_ERR_IO;
}

static enum ysync_err start(struct sqlite *sqlite, struct ysync_problem *problem)
{
    int status = uv_mutex_init(&sqlite->mutex);

    if (status < 0)
        return from_uv(status, problem);
    status = uv_cond_init(&sqlite->work);
    if (status < 0)
        goto no_work;
    status = uv_cond_init(&sqlite->done);
    if (status < 0)
        goto no_done;
    status = start_thread(sqlite);
    if (status == 0)
        return YSYNC_OK;
    uv_cond_destroy(&sqlite->done);
no_done:
    uv_cond_destroy(&sqlite->work);
no_work:
    uv_mutex_destroy(&sqlite->mutex);
    return from_uv(status, problem);
}

enum ysync_err ys_sqlite_open(const char *path, const struct ysync_store_options *options, struct ysync_store **out,
                              struct ysync_problem *problem)
{
    struct sqlite *sqlite = ys_alloc_zeroed(options->alloc, 1, sizeof(*sqlite));
    enum ysync_err err;

    ys_problem_set(problem, "out of memory");
    if (!sqlite)
        return YSYNC_ERR_NOMEM;
    sqlite->store = (struct ysync_store){ sqlite, load, append, save, remove_room, list, check, compact, close_store };
    sqlite->alloc = options->alloc;
    sqlite->is_read_only = options->is_read_only != 0;
    ys_list_init(&sqlite->chores);
    err = ys_sqlite_file_open(&sqlite->file, path, options, problem);
    if (!err) {
        err = start(sqlite, problem);
        if (err)
            ys_sqlite_file_close(&sqlite->file);
    }
    if (err)
        ys_free(options->alloc, sqlite);
    else
        *out = &sqlite->store;
    return err;
}
