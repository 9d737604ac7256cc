/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "room/party.h"
#include "server/metrics.h"

/* The whole text, zero-terminated. */
static const char *render(struct ys_buf *out, const struct ys_metrics *metrics)
{
    ys_buf_init(out, ysync_alloc_default(), SIZE_MAX);
    ys_metrics_put(out, metrics);
    ys_buf_put_u8(out, 0);
    assert_int_equal(ys_buf_err(out), YSYNC_OK);
    return (const char *)out->data;
}

static void expect_lines(const char *text, const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!strstr(text, lines[i]))
            fail_msg("no line \"%s\" in:\n%s", lines[i], text);
    }
}

static void test_metrics_have_all_names(void **state)
{
    static const char *const lines[] = {
        "# TYPE ysync_connections gauge\nysync_connections 2\n",
        "# TYPE ysync_rooms gauge\nysync_rooms 1\n",
        "# TYPE ysync_messages_received_total counter\n",
        "\nysync_messages_received_total{type=\"update\"} 3\n",
        "# TYPE ysync_messages_sent_total counter\n",
        "\nysync_messages_sent_total{type=\"awareness\"} 4\n",
        "# TYPE ysync_bytes_received_total counter\nysync_bytes_received_total 5\n",
        "# TYPE ysync_bytes_sent_total counter\nysync_bytes_sent_total 18446744073709551615\n",
        "# TYPE ysync_updates_applied_total counter\nysync_updates_applied_total 6\n",
        "# TYPE ysync_updates_pending gauge\nysync_updates_pending 7\n",
        "# TYPE ysync_document_bytes gauge\nysync_document_bytes 8\n",
        "# TYPE ysync_resyncs_total counter\nysync_resyncs_total 9\n",
        "# TYPE ysync_rejected_total counter\n",
        "\nysync_rejected_total{reason=\"unauthorized\"} 10\n",
        "# TYPE ysync_evictions_total counter\nysync_evictions_total 11\n",
        "# TYPE ysync_store_queue gauge\nysync_store_queue 13\n",
        "# TYPE ysync_store_queue_bytes gauge\nysync_store_queue_bytes 14\n",
        "# TYPE ysync_store_unsaved_rooms gauge\nysync_store_unsaved_rooms 15\n",
        "# TYPE ysync_store_errors_total counter\nysync_store_errors_total 16\n",
        "# TYPE ysync_apply_seconds histogram\n",
        "\nysync_store_commit_seconds_count 0\n",
        "# TYPE ysync_turn_seconds histogram\n",
        "\nysync_turn_seconds_count 0\n",
        "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes 12\n",
    };
    struct ys_metrics metrics = {
        .connections = 2,
        .rooms = 1,
        .hub.received[YS_MESSAGE_UPDATE] = 3,
        .hub.sent[YS_MESSAGE_AWARENESS] = 4,
        .loop.bytes_received = 5,
        .loop.bytes_sent = UINT64_MAX,
        .hub.updates_applied = 6,
        .updates_pending = 7,
        .document_bytes = 8,
        .hub.resyncs = 9,
        .server.rejected[YS_REJECTED_UNAUTHORIZED] = 10,
        .hub.evictions = 11,
        .resident_bytes = 12,
        .store = { .writes = 13, .bytes = 14, .unsaved_rooms = 15 },
        .server.store_errors = 16,
    };
    struct ys_buf out;

    (void)state;
    expect_lines(render(&out, &metrics), lines, ARRAY_LEN(lines));
    ys_buf_deinit(&out);
}

static void test_metrics_sum_up_histograms(void **state)
{
    static const char *const lines[] = {
        "\nysync_apply_seconds_bucket{le=\"1e-07\"} 2\n", "\nysync_apply_seconds_bucket{le=\"2.5e-07\"} 3\n",
        "\nysync_apply_seconds_bucket{le=\"0.001\"} 3\n", "\nysync_apply_seconds_bucket{le=\"0.0025\"} 4\n",
        "\nysync_apply_seconds_bucket{le=\"5\"} 4\n",     "\nysync_apply_seconds_bucket{le=\"+Inf\"} 5\n",
        "\nysync_apply_seconds_sum 6.002000201\n",        "\nysync_apply_seconds_count 5\n",
    };
    struct ys_metrics metrics = { 0 };
    struct ys_buf out;

    (void)state;
    ys_histogram_observe(&metrics.server.apply, 0);
    ys_histogram_observe(&metrics.server.apply, 100);
    ys_histogram_observe(&metrics.server.apply, 101);
    ys_histogram_observe(&metrics.server.apply, 2000000);
    ys_histogram_observe(&metrics.server.apply, 6000000000);
    expect_lines(render(&out, &metrics), lines, ARRAY_LEN(lines));
    ys_buf_deinit(&out);
}

static void test_metrics_gather_what_is_there(void **state)
{
    struct ys_server_counters counters = { .rejected[YS_REJECTED_TOO_LARGE] = 1 };
    struct party party;
    struct ys_loop *loop;
    struct ys_metrics metrics;

    (void)state;
    party_init(&party);
    assert_int_equal(ys_loop_open(&party.memory.alloc, NULL, &loop), YSYNC_OK);
    loop->counters.refused[YS_LOOP_HEAD_TOO_LARGE] = 2;
    loop->counters.refused[YS_LOOP_MESSAGE_TOO_LARGE] = 4;
    loop->counters.refused[YS_LOOP_TIMEOUT] = 8;
    join(&party, 0, "blog");
    join(&party, 1, "blog");
    join(&party, 2, "todo");
    type(&party, 0, 7, 0);
    type(&party, 2, 7, 5); /* waits for those before it */
    ys_metrics_gather(&metrics, party.hub, loop, &counters);
    assert_int_equal(metrics.connections, 3);
    assert_int_equal(metrics.rooms, 2);
    assert_int_equal(metrics.updates_pending, 1);
    assert_true(metrics.document_bytes > 0);
    assert_int_equal(metrics.hub.received[YS_MESSAGE_UPDATE], 2);
    assert_int_equal(metrics.hub.updates_applied, 1);
    assert_int_equal(metrics.server.rejected[YS_REJECTED_TOO_LARGE], 7);
    assert_int_equal(metrics.server.rejected[YS_REJECTED_TIMEOUT], 8);
    assert_true(metrics.resident_bytes > 100000);
    ys_loop_close(loop);
    party_deinit(&party);
}

/* Every number of one is the same as of the other, so every sum is twice of it. */
static void test_metrics_add_up(void **state)
{
    uint64_t numbers[sizeof(struct ys_metrics) / sizeof(uint64_t)];
    struct ys_metrics one;
    struct ys_metrics twice;
    struct ys_metrics sum;

    (void)state;
    _Static_assert(sizeof(numbers) == sizeof(struct ys_metrics), "it is numbers and nothing else");
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        numbers[i] = i + 1;
    memcpy(&one, numbers, sizeof(one));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        numbers[i] *= 2;
    memcpy(&twice, numbers, sizeof(twice));
    twice.resident_bytes = one.resident_bytes; /* of the process, and not of a loop */
    sum = one;
    ys_metrics_add(&sum, &one);
    assert_memory_equal(&sum, &twice, sizeof(sum));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_have_all_names),
        cmocka_unit_test(test_metrics_sum_up_histograms),
        cmocka_unit_test(test_metrics_add_up),
        cmocka_unit_test(test_metrics_gather_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
