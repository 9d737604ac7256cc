/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "room/party.h"
#include "server/snapshot.h"

#define MANY_CLIENTS 12000

/* A document of many clients with one letter each, so that it has some hundred KiB. */
static struct ys_room *large_room(struct party *party)
{
    struct ys_room *room;

    assert_int_equal(ys_hub_open(party->hub, TEXT("large"), party->now_ms, &room), YSYNC_OK);
    for (uint64_t client = 1; client <= MANY_CLIENTS; client++) {
        struct ys_buf update;

        assert_int_equal(ys_room_apply(room, typing(&update, client * 1000, 0), party->now_ms), YSYNC_OK);
        ys_buf_deinit(&update);
    }
    return room;
}

static void add_letter(struct party *party, struct ys_room *room, uint64_t client)
{
    struct ys_buf update;

    assert_int_equal(ys_room_apply(room, typing(&update, client, 0), party->now_ms), YSYNC_OK);
    ys_buf_deinit(&update);
}

static void expect_update(struct ys_room *room, struct ysync_bytes state_vector, const struct ys_blob *got)
{
    struct ysync_bytes want;

    assert_int_equal(ysync_doc_diff(ys_room_doc(room), state_vector, &want), YSYNC_OK);
    assert_int_equal(got->len, want.len);
    assert_memory_equal(ys_blob_bytes(got).data, want.data, want.len);
    ysync_bytes_free(got->alloc, want);
}

static enum ysync_err take_from(struct ys_snapshots *snapshots, struct ys_room *room, struct ysync_bytes state_vector,
                                struct ys_blob **out, const char **problem)
{
    return ys_snapshots_take(snapshots, ys_room_doc(room), ys_room_version(room), state_vector, out, problem);
}

static void test_snapshot_is_made_once_for_all(void **state)
{
    struct party party;
    struct ys_snapshots *snapshots;
    struct ys_room *room;
    struct ys_blob *first;
    struct ys_blob *second;
    struct ys_blob *later;
    const char *problem;

    (void)state;
    party_init(&party);
    room = large_room(&party);
    assert_int_equal(ys_snapshots_new(&party.memory.alloc, SIZE_MAX, &snapshots), YSYNC_OK);
    assert_int_equal(take_from(snapshots, room, TEXT(""), &first, &problem), YSYNC_OK);
    assert_true(first->len >= YS_SNAPSHOT_MIN_BYTES);
    expect_update(room, TEXT(""), first);
    assert_int_equal(take_from(snapshots, room, TEXT("\0"), &second, &problem), YSYNC_OK);
    assert_ptr_equal(first, second);
    add_letter(&party, room, 7);
    assert_int_equal(take_from(snapshots, room, TEXT(""), &later, &problem), YSYNC_OK);
    assert_ptr_not_equal(first, later);
    expect_update(room, TEXT(""), later);
    ys_blob_unref(first);
    ys_blob_unref(second);
    ys_blob_unref(later);
    ys_snapshots_free(snapshots);
    party_deinit(&party);
}

static void test_snapshot_memory_comes_back_when_all_is_sent(void **state)
{
    struct party party;
    struct ys_snapshots *snapshots;
    struct ys_room *room;
    struct ys_blob *blob;
    const char *problem;
    size_t before;

    (void)state;
    party_init(&party);
    room = large_room(&party);
    assert_int_equal(ys_snapshots_new(&party.memory.alloc, SIZE_MAX, &snapshots), YSYNC_OK);
    before = party.memory.live_bytes;
    assert_int_equal(take_from(snapshots, room, TEXT(""), &blob, &problem), YSYNC_OK);
    ys_snapshots_sweep(snapshots); /* it is still being sent */
    expect_update(room, TEXT(""), blob);
    ys_blob_unref(blob);
    assert_true(party.memory.live_bytes > before + YS_SNAPSHOT_MIN_BYTES);
    ys_snapshots_sweep(snapshots);
    assert_int_equal(party.memory.live_bytes, before);
    ys_snapshots_free(snapshots);
    party_deinit(&party);
}

/* Parts count as well: otherwise asking for nearly everything would be the way around. */
static void test_snapshot_bounds_what_is_being_sent(void **state)
{
    static const uint8_t has_nearly_nothing[] = { 1, 0x81, 0x01, 0 };
    struct party party;
    struct ys_snapshots *snapshots;
    struct ys_room *room;
    struct ys_blob *blobs[2];
    struct ys_blob *refused = NULL;
    const char *problem;

    (void)state;
    party_init(&party);
    room = large_room(&party);
    assert_int_equal(ys_snapshots_new(&party.memory.alloc, 3 * YS_SNAPSHOT_MIN_BYTES, &snapshots), YSYNC_OK);
    assert_int_equal(take_from(snapshots, room, BYTES(has_nearly_nothing), &blobs[0], &problem), YSYNC_OK);
    expect_update(room, BYTES(has_nearly_nothing), blobs[0]);
    assert_true(blobs[0]->len < 3 * YS_SNAPSHOT_MIN_BYTES && 2 * blobs[0]->len > 3 * YS_SNAPSHOT_MIN_BYTES);
    assert_int_equal(take_from(snapshots, room, BYTES(has_nearly_nothing), &blobs[1], &problem), YSYNC_OK);
    assert_ptr_not_equal(blobs[0], blobs[1]);
    assert_int_equal(take_from(snapshots, room, TEXT(""), &refused, &problem), YSYNC_ERR_LIMIT);
    assert_null(refused);
    ys_blob_unref(blobs[0]);
    assert_int_equal(take_from(snapshots, room, TEXT(""), &refused, &problem), YSYNC_OK);
    ys_blob_unref(refused);
    ys_blob_unref(blobs[1]);
    ys_snapshots_free(snapshots);
    party_deinit(&party);
}

static void test_snapshot_says_what_is_wrong(void **state)
{
    struct party party;
    struct ys_snapshots *snapshots;
    struct ys_room *room;
    struct ys_blob *blob = NULL;
    const char *problem = NULL;

    (void)state;
    party_init(&party);
    room = large_room(&party);
    assert_int_equal(ys_snapshots_new(&party.memory.alloc, SIZE_MAX, &snapshots), YSYNC_OK);
    assert_int_equal(take_from(snapshots, room, TEXT("\x02"), &blob, &problem), YSYNC_ERR_MALFORMED);
    assert_non_null(problem);
    for (size_t n = 0;; n++) {
        enum ysync_err err;

        party.memory.failed = false;
        party.memory.fail_at = party.memory.requests + n;
        err = take_from(snapshots, room, TEXT(""), &blob, &problem);
        party.memory.fail_at = YS_TEST_NEVER_FAIL;
        if (!err)
            break;
        assert_int_equal(err, YSYNC_ERR_NOMEM);
        assert_null(blob);
    }
    expect_update(room, TEXT(""), blob);
    ys_blob_unref(blob);
    ys_snapshots_free(snapshots);
    party_deinit(&party);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshot_is_made_once_for_all),
        cmocka_unit_test(test_snapshot_memory_comes_back_when_all_is_sent),
        cmocka_unit_test(test_snapshot_bounds_what_is_being_sent),
        cmocka_unit_test(test_snapshot_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
