/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/list.h"
#include <cmocka.h>

struct item {
    int number;
    struct ys_list node;
};

static int sum_in_order(struct ys_list *head)
{
    int digits = 0;

    YS_LIST_FOREACH (node, head)
        digits = digits * 10 + YS_CONTAINER_OF(node, struct item, node)->number;
    return digits;
}

static void fill(struct ys_list *head, struct item items[4])
{
    ys_list_init(head);
    for (int i = 0; i < 4; i++) {
        items[i].number = i + 1;
        ys_list_append(head, &items[i].node);
    }
}

static void test_list_keeps_the_order(void **state)
{
    struct ys_list head;
    struct item items[4];

    (void)state;
    fill(&head, items);
    assert_int_equal(sum_in_order(&head), 1234);
    ys_list_remove(&items[1].node);
    assert_int_equal(sum_in_order(&head), 134);
    ys_list_append(&head, &items[1].node);
    assert_int_equal(sum_in_order(&head), 1342);
}

static void test_list_removing_is_always_allowed(void **state)
{
    struct ys_list head;
    struct item items[4];

    (void)state;
    fill(&head, items);
    ys_list_remove(&items[0].node);
    ys_list_remove(&items[0].node);
    assert_int_equal(sum_in_order(&head), 234);
    assert_true(ys_list_is_empty(&items[0].node));
}

static void test_list_the_current_node_may_be_removed(void **state)
{
    struct ys_list head;
    struct item items[4];

    (void)state;
    fill(&head, items);
    YS_LIST_FOREACH (node, &head)
        ys_list_remove(node);
    assert_true(ys_list_is_empty(&head));
    assert_int_equal(sum_in_order(&head), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_keeps_the_order),
        cmocka_unit_test(test_list_removing_is_always_allowed),
        cmocka_unit_test(test_list_the_current_node_may_be_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
