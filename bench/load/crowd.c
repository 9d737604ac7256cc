/* SPDX-License-Identifier: MIT */
#include "crowd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "check.h"

#define EVENTS_A_TURN 1024
#define NS_A_SECOND UINT64_C(1000000000)

uint64_t ys_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_A_SECOND + (uint64_t)t.tv_nsec;
}

void ys_crowd_init(struct ys_crowd *crowd, enum ys_dialect dialect, uint16_t port, size_t count)
{
    struct epoll_event alarm = { .events = EPOLLIN };

    *crowd = (struct ys_crowd){ .dialect = dialect, .port = port, .count = count };
    crowd->visitors = ys_zeroed(count, sizeof(*crowd->visitors));
    crowd->queue = ys_zeroed(count, sizeof(*crowd->queue));
    crowd->read_buffer = ys_zeroed(YS_CROWD_READ_BYTES, 1);
    ys_buf_init(&crowd->message, ysync_alloc_default(), SIZE_MAX);
    for (size_t i = 0; i < count; i++)
        ys_visitor_init(&crowd->visitors[i], crowd);
    crowd->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    crowd->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    ys_expect(crowd->epoll_fd >= 0 && crowd->alarm_fd >= 0, "no epoll");
    ys_expect(epoll_ctl(crowd->epoll_fd, EPOLL_CTL_ADD, crowd->alarm_fd, &alarm) == 0, "epoll_ctl");
}

void ys_crowd_deinit(struct ys_crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++)
        ys_visitor_deinit(&crowd->visitors[i]);
    ys_buf_deinit(&crowd->message);
    ys_free(ysync_alloc_default(), crowd->read_buffer);
    ys_free(ysync_alloc_default(), crowd->queue);
    ys_free(ysync_alloc_default(), crowd->visitors);
    close(crowd->alarm_fd);
    close(crowd->epoll_fd);
}

void ys_crowd_watch(struct ys_visitor *visitor, bool is_new)
{
    uint32_t events = (visitor->is_deaf ? 0 : EPOLLIN) | (visitor->is_waiting_to_write ? EPOLLOUT : 0);
    struct epoll_event event = { .events = events, .data.ptr = visitor };

    ys_expect(epoll_ctl(visitor->crowd->epoll_fd, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, visitor->fd, &event) == 0,
              "epoll_ctl");
}

/* Closing takes the socket out of the epoll set; the queue may still know the visitor. */
void ys_crowd_forget(struct ys_visitor *visitor)
{
    struct ys_crowd *crowd = visitor->crowd;

    for (size_t i = 0; visitor->is_in_queue && i < crowd->queued; i++) {
        if (crowd->queue[i] != visitor)
            continue;
        crowd->queue[i] = crowd->queue[--crowd->queued];
        visitor->is_in_queue = false;
    }
}

void ys_crowd_enqueue(struct ys_visitor *visitor)
{
    struct ys_crowd *crowd = visitor->crowd;

    if (visitor->is_in_queue)
        return;
    visitor->is_in_queue = true;
    crowd->queue[crowd->queued++] = visitor;
}

void ys_crowd_flush(struct ys_crowd *crowd)
{
    while (crowd->queued > 0) {
        struct ys_visitor *visitor = crowd->queue[--crowd->queued];

        visitor->is_in_queue = false;
        ys_visitor_flush(visitor);
    }
}

/* An alarm wakes to the microsecond, where epoll_wait()'s own timeout knows milliseconds. */
static void set_alarm(struct ys_crowd *crowd, uint64_t at_ns)
{
    struct itimerspec when = { .it_value = { (time_t)(at_ns / NS_A_SECOND), (long)(at_ns % NS_A_SECOND) } };

    timerfd_settime(crowd->alarm_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void handle(struct ys_visitor *visitor, uint32_t events)
{
    if (events & EPOLLOUT)
        ys_visitor_write(visitor);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && visitor->state != YS_VISITOR_GONE)
        ys_visitor_read(visitor);
}

void ys_crowd_turn(struct ys_crowd *crowd, uint64_t until_ns)
{
    struct epoll_event events[EVENTS_A_TURN];
    int count;

    ys_crowd_flush(crowd);
    set_alarm(crowd, until_ns);
    count = epoll_wait(crowd->epoll_fd, events, EVENTS_A_TURN, -1);
    if (count < 0 && errno != EINTR)
        ys_give_up("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            handle(events[i].data.ptr, events[i].events);
    }
    ys_crowd_flush(crowd);
}

void ys_crowd_run(struct ys_crowd *crowd, uint64_t ns)
{
    uint64_t until = ys_now_ns() + ns;

    while (ys_now_ns() < until)
        ys_crowd_turn(crowd, until);
}

void ys_crowd_gather(struct ys_crowd *crowd, size_t from, size_t to, ys_room_of_fn *room_of, const void *user)
{
    size_t want = crowd->present + (to - from);
    uint64_t until = ys_now_ns() + YS_CROWD_PATIENCE_NS;
    char room[YS_ROOM_NAME_BYTES];

    while (crowd->present < want) {
        for (; from < to && crowd->arriving < YS_CROWD_ARRIVING; from++) {
            room_of(user, from, room);
            ys_visitor_come(&crowd->visitors[from], room);
        }
        ys_crowd_turn(crowd, until);
        if (ys_now_ns() >= until)
            ys_give_up("%zu of %zu clients came", crowd->present, want);
    }
}

void ys_crowd_disperse(struct ys_crowd *crowd)
{
    uint64_t until = ys_now_ns() + YS_CROWD_PATIENCE_NS;
    size_t left = 1;

    for (size_t i = 0; i < crowd->count; i++) {
        if (crowd->visitors[i].state == YS_VISITOR_PRESENT)
            ys_visitor_leave(&crowd->visitors[i]);
    }
    while (left > 0) {
        left = 0;
        for (size_t i = 0; i < crowd->count; i++)
            left += crowd->visitors[i].state != YS_VISITOR_GONE;
        if (left > 0)
            ys_crowd_turn(crowd, until);
        ys_expect(ys_now_ns() < until, "the server does not let clients leave");
    }
}
