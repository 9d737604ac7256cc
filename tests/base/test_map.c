/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "support/failing_alloc.h"

#define ITEMS 2000

struct item {
    int key;
    bool is_in;
};

static bool is_item(const void *item, const void *key)
{
    return ((const struct item *)item)->key == *(const int *)key;
}

/* Few different hashes, so that runs grow long, wrap around the end, and hold items of several homes. */
static uint64_t bad_hash(int key)
{
    return (uint64_t)(key % 61) * 7;
}

static void check(const struct ys_map *map, const struct item *items)
{
    size_t count = 0;
    size_t walked = 0;
    size_t position = 0;

    for (int i = 0; i < ITEMS; i++) {
        const void *want = items[i].is_in ? &items[i] : NULL;

        if (ys_map_find(map, bad_hash(i), is_item, &i) != want)
            fail_msg("item %d: want it %s", i, want ? "found" : "missing");
        count += items[i].is_in;
    }
    while (ys_map_next(map, &position))
        walked++;
    assert_int_equal(map->count, count);
    assert_int_equal(walked, count);
}

static void add(struct ys_map *map, struct item *item)
{
    assert_int_equal(ys_map_reserve(map, 1), YSYNC_OK);
    ys_map_add(map, bad_hash(item->key), item);
    item->is_in = true;
}

static void test_map_finds_what_was_added_and_not_removed(void **state)
{
    static struct item items[ITEMS];
    struct ys_map map;
    uint32_t random = 1;

    (void)state;
    ys_map_init(&map, ysync_alloc_default());
    for (int i = 0; i < ITEMS; i++)
        items[i] = (struct item){ i, false };
    for (int round = 0; round < 20000; round++) {
        struct item *item;

        random = random * 1664525u + 1013904223u;
        item = &items[(random >> 8) % ((round / 1000) % 2 ? ITEMS : 40)];
        if (item->is_in) {
            ys_map_remove(&map, bad_hash(item->key), item);
            item->is_in = false;
        } else {
            add(&map, item);
        }
        if (round % 500 == 0)
            check(&map, items);
    }
    check(&map, items);
    ys_map_deinit(&map);
}

static void test_map_replaces_an_item(void **state)
{
    struct item old = { 5, true };
    struct item new = { 5, true };
    struct item other = { 66, true }; /* the same hash */
    struct ys_map map;

    (void)state;
    ys_map_init(&map, ysync_alloc_default());
    add(&map, &other);
    add(&map, &old);
    ys_map_replace(&map, bad_hash(5), &old, &new);
    assert_ptr_equal(ys_map_find(&map, bad_hash(5), is_item, &new.key), &new);
    assert_ptr_equal(ys_map_find(&map, bad_hash(66), is_item, &other.key), &other);
    assert_int_equal(map.count, 2);
    ys_map_deinit(&map);
}

static void test_map_gives_memory_back(void **state)
{
    static struct item items[ITEMS];
    struct ys_test_alloc memory;
    struct ys_map map;
    size_t full_bytes;

    (void)state;
    ys_test_alloc_init(&memory, YS_TEST_NEVER_FAIL);
    ys_map_init(&map, &memory.alloc);
    for (int i = 0; i < ITEMS; i++) {
        items[i] = (struct item){ i, false };
        add(&map, &items[i]);
    }
    full_bytes = memory.live_bytes;
    for (int i = ITEMS - 1; i > 0; i--)
        ys_map_remove(&map, bad_hash(i), &items[i]);
    assert_true(memory.live_bytes < full_bytes / 50);
    ys_map_remove(&map, bad_hash(0), &items[0]);
    assert_int_equal(memory.live_blocks, 0);
    ys_map_deinit(&map);
}

/* Their homes are the last slots of the table, however large it is: most stand at its beginning. */
static uint64_t hash_of_end(int key)
{
    return UINT64_MAX - (uint64_t)(key % 7);
}

static void test_map_keeps_items_in_reach_as_it_shrinks(void **state)
{
    enum { MANY = 200 };
    static struct item items[MANY];
    struct ys_map map;
    size_t full_slots;

    (void)state;
    ys_map_init(&map, ysync_alloc_default());
    for (int i = 0; i < MANY; i++) {
        items[i] = (struct item){ i, true };
        assert_int_equal(ys_map_reserve(&map, 1), YSYNC_OK);
        ys_map_add(&map, hash_of_end(i), &items[i]);
    }
    full_slots = map.slot_count;
    for (int i = 0; i < MANY; i++) {
        ys_map_remove(&map, hash_of_end(i), &items[i]);
        for (int j = i + 1; j < MANY; j++) {
            if (ys_map_find(&map, hash_of_end(j), is_item, &j) != &items[j])
                fail_msg("%d is out of reach after %d removals, with %zu slots", j, i + 1, map.slot_count);
        }
        if (i == MANY - 2)
            assert_true(map.slot_count <= full_slots / 16);
    }
    ys_map_deinit(&map);
}

/* Removing works even when there is no memory for a smaller table. */
static void test_map_survives_the_nth_allocation_failing(void **state)
{
    size_t n;

    (void)state;
    for (n = 0;; n++) {
        static struct item items[200];
        struct ys_test_alloc memory;
        struct ys_map map;
        int added = 0;

        ys_test_alloc_init(&memory, n);
        ys_map_init(&map, &memory.alloc);
        for (; added < 200 && !ys_map_reserve(&map, 1); added++) {
            items[added] = (struct item){ added, true };
            ys_map_add(&map, bad_hash(added), &items[added]);
        }
        assert_int_equal(map.count, added);
        for (int i = 0; i < added; i++)
            assert_ptr_equal(ys_map_find(&map, bad_hash(i), is_item, &i), &items[i]);
        for (int i = 0; i < added; i++)
            ys_map_remove(&map, bad_hash(i), &items[i]);
        assert_int_equal(map.count, 0);
        ys_map_deinit(&map);
        assert_int_equal(memory.live_blocks, 0);
        if (!memory.failed)
            break;
    }
    assert_true(n > 5);
}

static void test_map_refuses_absurd_reservations(void **state)
{
    struct ys_map map;

    (void)state;
    ys_map_init(&map, ysync_alloc_default());
    assert_int_equal(ys_map_reserve(&map, SIZE_MAX), YSYNC_ERR_NOMEM);
    assert_int_equal(map.slot_count, 0);
    assert_null(ys_map_find(&map, 0, is_item, &(int){ 0 }));
    ys_map_deinit(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_finds_what_was_added_and_not_removed),
        cmocka_unit_test(test_map_replaces_an_item),
        cmocka_unit_test(test_map_gives_memory_back),
        cmocka_unit_test(test_map_keeps_items_in_reach_as_it_shrinks),
        cmocka_unit_test(test_map_survives_the_nth_allocation_failing),
        cmocka_unit_test(test_map_refuses_absurd_reservations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
