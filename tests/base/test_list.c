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

static void test_list_moves_all_of_another(void **state)
{
    static const struct {
        const char *name;
        int count_here;
        int count_there;
        int want;
    } cases[] = {
        { "nothing to nothing", 0, 0, 0 },
        { "nothing to some", 2, 0, 12 },
        { "one to nothing", 0, 1, 1 },
        { "some behind some", 2, 3, 12123 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct item items[2][4];
        struct ys_list lists[2];

        for (int list = 0; list < 2; list++) {
            fill(&lists[list], items[list]);
            for (int n = list == 0 ? cases[i].count_here : cases[i].count_there; n < 4; n++)
                ys_list_remove(&items[list][n].node);
        }
        ys_list_move_all(&lists[0], &lists[1]);
        if (sum_in_order(&lists[0]) != cases[i].want || !ys_list_is_empty(&lists[1]))
            fail_msg("%s: got %d, want %d", cases[i].name, sum_in_order(&lists[0]), cases[i].want);
        while (!ys_list_is_empty(&lists[0])) /* the links back are right, too */
            ys_list_remove(lists[0].prev);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_keeps_the_order),
        cmocka_unit_test(test_list_removing_is_always_allowed),
        cmocka_unit_test(test_list_the_current_node_may_be_removed),
        cmocka_unit_test(test_list_moves_all_of_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
