/* SPDX-License-Identifier: MIT */
#include "cli/trimmer.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#define PAUSE_FACTOR 1000

struct ys_trimmer {
    void (*give_back)(void);
    uint64_t min_pause_ms;
    pthread_t thread;
    pthread_mutex_t mutex; /* for what follows */
    pthread_cond_t changed;
    bool is_due;
    bool is_stopping;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void wait_until(struct ys_trimmer *trimmer, uint64_t due_ms)
{
    struct timespec due = { .tv_sec = (time_t)(due_ms / 1000), .tv_nsec = (long)(due_ms % 1000) * 1000000 };

    while (!trimmer->is_stopping && now_ms() < due_ms)
        pthread_cond_timedwait(&trimmer->changed, &trimmer->mutex, &due);
}

static void *run(void *arg)
{
    struct ys_trimmer *trimmer = arg;
    uint64_t pause_ms = trimmer->min_pause_ms;

    pthread_mutex_lock(&trimmer->mutex);
    while (!trimmer->is_stopping) {
        uint64_t begin_ms;

        while (!trimmer->is_due && !trimmer->is_stopping)
            pthread_cond_wait(&trimmer->changed, &trimmer->mutex);
        wait_until(trimmer, now_ms() + pause_ms);
        if (trimmer->is_stopping)
            break;
        trimmer->is_due = false;
        pthread_mutex_unlock(&trimmer->mutex);
        begin_ms = now_ms();
        trimmer->give_back();
        pause_ms = trimmer->min_pause_ms + PAUSE_FACTOR * (now_ms() - begin_ms);
        pthread_mutex_lock(&trimmer->mutex);
    }
    pthread_mutex_unlock(&trimmer->mutex);
    return NULL;
}

static void init_changed(pthread_cond_t *changed)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void free_trimmer(struct ys_trimmer *trimmer)
{
    pthread_cond_destroy(&trimmer->changed);
    pthread_mutex_destroy(&trimmer->mutex);
    free(trimmer);
}

enum ysync_err ys_trimmer_start(void (*give_back)(void), uint64_t min_pause_ms, struct ys_trimmer **out)
{
    struct ys_trimmer *trimmer = calloc(1, sizeof(*trimmer));

    if (!trimmer)
        return YSYNC_ERR_NOMEM;
    trimmer->give_back = give_back;
    trimmer->min_pause_ms = min_pause_ms;
    pthread_mutex_init(&trimmer->mutex, NULL);
    init_changed(&trimmer->changed);
    if (pthread_create(&trimmer->thread, NULL, run, trimmer) != 0) {
        free_trimmer(trimmer);
        return YSYNC_ERR_IO;
    }
    *out = trimmer;
    return YSYNC_OK;
}

static void set(struct ys_trimmer *trimmer, bool *what)
{
    pthread_mutex_lock(&trimmer->mutex);
    if (!*what)
        pthread_cond_signal(&trimmer->changed);
    *what = true;
    pthread_mutex_unlock(&trimmer->mutex);
}

void ys_trimmer_note(struct ys_trimmer *trimmer)
{
    set(trimmer, &trimmer->is_due);
}

void ys_trimmer_stop(struct ys_trimmer *trimmer)
{
    if (!trimmer)
        return;
    set(trimmer, &trimmer->is_stopping);
    pthread_join(trimmer->thread, NULL);
    free_trimmer(trimmer);
}
