/* SPDX-License-Identifier: MIT */
/* What a file must be in order to be opened, who may open it, and what tools do with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "store/asking.h"
#include "store/temp_store.h"

static struct temp_store temp;

static int set_up(void **state)
{
    (void)state;
    temp_store_name(&temp);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_store_deinit(&temp);
    return 0;
}

static void assert_refused(const char *row, const struct ysync_store_options *options, enum ysync_err want,
                           const char *want_text)
{
    enum ysync_err got = temp_store_open_with(&temp, options);

    if (got != want || !strstr(temp.problem.text, want_text))
        fail_msg("%s: got %s (%s), want %s (... %s ...)", row, ysync_strerror(got), temp.problem.text,
                 ysync_strerror(want), want_text);
}

static const struct ysync_store_options for_reading = { .is_read_only = 1 };
static const struct ysync_store_options for_what_is_there = { .must_exist = 1 };

static void make_store_with_blog(void)
{
    temp_store_open(&temp);
    assert_answer(finish(begin_save(temp.store, "blog", 1)), YSYNC_OK);
    assert_answer(finish(begin_append(temp.store, "blog", 1)), YSYNC_OK);
    temp_store_close(&temp);
}

static void test_store_makes_a_file_for_its_owner_alone(void **state)
{
    static const char *const endings[] = { "", "-wal", "-shm", "-lock" };
    mode_t before = umask(0);

    (void)state;
    temp_store_open(&temp);
    umask(before);
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        struct stat status;

        assert_int_equal(stat(temp_store_file(&temp, endings[i]), &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
    }
    temp_store_close(&temp);
    for (size_t i = 1; i < ARRAY_LEN(endings); i++)
        assert_false(temp_store_has(&temp, endings[i]));
}

static void test_store_makes_nothing_where_something_must_be(void **state)
{
    (void)state;
    assert_refused("must exist", &for_what_is_there, YSYNC_ERR_NOT_FOUND, temp.path);
    assert_refused("read only", &for_reading, YSYNC_ERR_NOT_FOUND, temp.path);
    assert_false(temp_store_has(&temp, ""));
    assert_false(temp_store_has(&temp, "-lock"));
    make_store_with_blog();
    assert_int_equal(temp_store_open_with(&temp, &for_what_is_there), YSYNC_OK);
    assert_room(temp.store, "blog", 2);
}

static void test_store_refuses_what_is_not_its_own(void **state)
{
    static const struct {
        const char *name;
        const char *statements;
        enum ysync_err want;
        const char *want_text;
    } cases[] = {
        { "somebody's tables", "CREATE TABLE rooms (id, name)", YSYNC_ERR_CONFLICT,
          "rooms.db is the database of another program" },
        { "somebody's application", "PRAGMA application_id = 7", YSYNC_ERR_CONFLICT,
          "rooms.db is the database of another program" },
        { "somebody's version", "PRAGMA user_version = 1", YSYNC_ERR_CONFLICT,
          "rooms.db is the database of another program" },
        { "a newer version", "PRAGMA application_id = 0x7973796e; PRAGMA user_version = 2", YSYNC_ERR_CONFLICT,
          "rooms.db was written by a newer ysync (format 2, this one knows 1): use that one" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        temp_store_execute(&temp, cases[i].statements);
        assert_refused(cases[i].name, NULL, cases[i].want, cases[i].want_text);
        assert_refused(cases[i].name, &for_reading, cases[i].want, cases[i].want_text);
        assert_false(temp_store_has(&temp, "-lock"));
        temp_store_execute(&temp, cases[i].statements[0] == 'C' ? "INSERT INTO rooms VALUES (1, 2)" : "");
        assert_int_equal(unlink(temp.path), 0);
    }
}

static void write_file(const void *bytes, size_t len)
{
    FILE *file = fopen(temp.path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void test_store_refuses_what_is_no_database(void **state)
{
    static const char text[2000] = "This is a letter.";
    char got[sizeof(text)];
    FILE *file;

    (void)state;
    write_file(text, sizeof(text));
    assert_refused("a letter", NULL, YSYNC_ERR_CONFLICT, "rooms.db is no SQLite database");
    assert_refused("a letter", &for_reading, YSYNC_ERR_CONFLICT, "rooms.db is no SQLite database");
    file = fopen(temp.path, "r");
    assert_int_equal(fread(got, 1, sizeof(got), file), sizeof(got));
    fclose(file);
    assert_memory_equal(got, text, sizeof(got));
}

static void test_store_begins_in_an_empty_file(void **state)
{
    (void)state;
    write_file("", 0);
    assert_refused("nothing to read", &for_reading, YSYNC_ERR_NOT_FOUND, "rooms.db is empty");
    make_store_with_blog();
    temp_store_open(&temp);
    assert_room(temp.store, "blog", 2);
}

static void test_store_names_what_it_cannot_open(void **state)
{
    struct temp_store at = temp;

    (void)state;
    snprintf(temp.url, sizeof(temp.url), "sqlite:%s/none/rooms.db", temp.folder);
    assert_refused("a folder that is not there", NULL, YSYNC_ERR_IO, "/none: make it first");
    assert_refused("a folder that is not there", &for_what_is_there, YSYNC_ERR_NOT_FOUND, "/none: make it first");
    snprintf(temp.url, sizeof(temp.url), "sqlite:none/rooms.db");
    assert_refused("a relative folder that is not there", NULL, YSYNC_ERR_IO, "there is no folder none");
    snprintf(temp.url, sizeof(temp.url), "sqlite:%s", temp.folder);
    assert_refused("a folder", NULL, YSYNC_ERR_CONFLICT, "is no file");
    snprintf(temp.url, sizeof(temp.url), "sqlite:/dev/null");
    assert_refused("a device", NULL, YSYNC_ERR_CONFLICT, "/dev/null is no file");
    snprintf(temp.url, sizeof(temp.url), "sqlite:%s/rooms.db", "/proc");
    assert_refused("a folder for nobody's files", NULL, YSYNC_ERR_IO, "/proc/rooms.db-lock");
    temp = at;
    assert_int_equal(symlink("nothing", temp.path), 0);
    assert_refused("a link to nothing", NULL, YSYNC_ERR_IO, "cannot make");
    unlink(temp.path);
}

/* The system lets root do it all. */
static void test_store_needs_permission(void **state)
{
    (void)state;
    if (geteuid() == 0)
        skip();
    make_store_with_blog();
    chmod(temp.path, 0400);
    assert_refused("no permission to write", NULL, YSYNC_ERR_IO, "rooms.db cannot be written to");
    chmod(temp.path, 0);
    assert_refused("no permission to read", NULL, YSYNC_ERR_IO, "Permission denied");
}

static void test_store_that_is_read_writes_nothing(void **state)
{
    struct answer answer;

    (void)state;
    make_store_with_blog();
    assert_int_equal(temp_store_open_with(&temp, &for_reading), YSYNC_OK);
    assert_false(temp_store_has(&temp, "-lock"));
    answer = finish(begin_save(temp.store, "blog", 3));
    assert_non_null(strstr(answer.problem, "rooms.db is open for reading only"));
    assert_answer(answer, YSYNC_ERR_DENIED);
    assert_answer(finish(begin_append(temp.store, "blog", 2)), YSYNC_ERR_DENIED);
    assert_answer(ask(temp.store, YS_STORE_REMOVE, "blog", no_bytes), YSYNC_ERR_DENIED);
    assert_int_equal(temp.store->compact(temp.store->user, &temp.problem), YSYNC_ERR_DENIED);
    assert_int_equal(temp.store->check(temp.store->user, &temp.problem), YSYNC_OK);
    assert_room(temp.store, "blog", 2);
    assert_rooms(temp.store, "wiki", 1, "");
}

static void test_store_is_written_by_one_alone(void **state)
{
    struct temp_store same = temp;
    char link[128];

    (void)state;
    temp_store_open(&temp);
    same.store = temp.store;
    assert_refused("the same path", NULL, YSYNC_ERR_CONFLICT,
                   "rooms.db is in use by another process (a server that runs?)");
    snprintf(link, sizeof(link), "%s/link.db", temp.folder);
    assert_int_equal(symlink("rooms.db", link), 0);
    snprintf(temp.url, sizeof(temp.url), "sqlite:%s", link);
    assert_refused("another name", NULL, YSYNC_ERR_CONFLICT, "is in use by another process");
    assert_int_equal(temp_store_open_with(&temp, &for_reading), YSYNC_OK);
    assert_answer(finish(begin_save(same.store, "blog", 1)), YSYNC_OK);
    assert_room(temp.store, "blog", 1); /* a reader sees what is written meanwhile */
    temp_store_close(&temp);
    temp_store_close(&same);
    temp_store_open(&temp);
    assert_room(temp.store, "blog", 1);
}

/* The last page but one of the file, which belongs to a large snapshot, refers to a next one that is not there. */
static void damage_page(void)
{
    struct stat status;
    int fd = open(temp.path, O_RDWR);

    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, status.st_size - 8192), 4);
    close(fd);
}

static void test_store_keeps_damage_to_the_room_that_has_it(void **state)
{
    struct answer answer;

    (void)state;
    temp_store_open(&temp);
    assert_answer(finish(begin_save(temp.store, "good", 1)), YSYNC_OK);
    assert_answer(finish(begin_save(temp.store, "bad", 200)), YSYNC_OK);
    temp_store_close(&temp);
    damage_page();
    temp_store_open(&temp);
    for (unsigned n = 1; n < 3; n++) {
        answer = ask(temp.store, YS_STORE_LOAD, "bad", no_bytes);
        assert_non_null(strstr(answer.problem, "rooms.db is damaged: restore a backup"));
        assert_answer(answer, YSYNC_ERR_MALFORMED);
        answer = finish(begin_save(temp.store, "bad", 200 + n));
        assert_non_null(strstr(answer.problem, "rooms.db is damaged: restore a backup"));
        assert_answer(answer, YSYNC_ERR_IO);
        assert_answer(finish(begin_append(temp.store, "good", n)), YSYNC_OK);
        assert_room(temp.store, "good", n + 1);
    }
}

static void test_store_check_finds_damage(void **state)
{
    (void)state;
    temp_store_open(&temp);
    for (unsigned n = 0; n < 20; n++)
        assert_answer(finish(begin_save(temp.store, "blog", 100)), YSYNC_OK);
    assert_int_equal(temp.store->check(temp.store->user, &temp.problem), YSYNC_OK);
    temp_store_execute(&temp, "INSERT INTO updates VALUES (99, 1, x'00')");
    assert_int_equal(temp.store->check(temp.store->user, &temp.problem), YSYNC_ERR_MALFORMED);
    assert_non_null(strstr(temp.problem.text, "rooms.db is damaged: there is a row of no room in updates"));
    temp_store_execute(&temp, "DELETE FROM updates");
    assert_int_equal(temp.store->check(temp.store->user, NULL), YSYNC_OK);

    temp_store_close(&temp);
    damage_page();
    temp_store_open(&temp);
    assert_int_equal(temp.store->check(temp.store->user, &temp.problem), YSYNC_ERR_MALFORMED);
    assert_non_null(strstr(temp.problem.text, "rooms.db is damaged: "));
    assert_null(strchr(temp.problem.text, '\n'));
}

static void test_store_compact_gives_space_back(void **state)
{
    struct stat before;
    struct stat after;

    (void)state;
    temp_store_open(&temp);
    assert_answer(finish(begin_save(temp.store, "blog", 1)), YSYNC_OK);
    assert_answer(finish(begin_save(temp.store, "wiki", 500)), YSYNC_OK);
    temp_store_close(&temp);
    assert_int_equal(stat(temp.path, &before), 0);
    temp_store_open(&temp);
    assert_answer(ask(temp.store, YS_STORE_REMOVE, "wiki", no_bytes), YSYNC_OK);
    assert_int_equal(temp.store->compact(temp.store->user, &temp.problem), YSYNC_OK);
    assert_int_equal(stat(temp_store_file(&temp, "-wal"), &after), 0);
    assert_int_equal(after.st_size, 0);
    assert_int_equal(stat(temp.path, &after), 0);
    assert_true(after.st_size + 400 * TYPED_CHARACTERS <= before.st_size);
    assert_room(temp.store, "blog", 1);
}

static bool file_contains(const char *text)
{
    size_t len = strlen(text);
    bool is_found = false;
    struct stat status;
    char *bytes;
    FILE *file;

    assert_int_equal(stat(temp.path, &status), 0);
    bytes = malloc((size_t)status.st_size);
    file = fopen(temp.path, "r");
    assert_int_equal(fread(bytes, 1, (size_t)status.st_size, file), status.st_size);
    fclose(file);
    for (size_t i = 0; !is_found && i + len <= (size_t)status.st_size; i++)
        is_found = memcmp(bytes + i, text, len) == 0;
    free(bytes);
    return is_found;
}

static void test_store_overwrites_what_is_removed(void **state)
{
    (void)state;
    temp_store_open(&temp);
    assert_answer(finish(begin_save(temp.store, "blog", 200)), YSYNC_OK);
    assert_answer(finish(begin_append(temp.store, "blog", 200)), YSYNC_OK);
    temp_store_close(&temp);
    assert_true(file_contains("bbbbbbbb"));
    temp_store_open(&temp);
    assert_answer(ask(temp.store, YS_STORE_REMOVE, "blog", no_bytes), YSYNC_OK);
    temp_store_close(&temp);
    assert_false(file_contains("bbbbbbbb"));
    assert_false(file_contains("blog"));
}

static void test_store_may_be_backed_up_while_it_is_written(void **state)
{
    struct temp_store copy;
    char statement[512];

    (void)state;
    temp_store_open(&temp);
    temp_store_name(&copy);
    assert_answer(finish(begin_save(temp.store, "blog", 3)), YSYNC_OK);
    snprintf(statement, sizeof(statement), "sqlite3 %s '.backup %s' && sqlite3 %s 'PRAGMA integrity_check' >/dev/null",
             temp.path, copy.path, copy.path);
    if (system("command -v sqlite3 >/dev/null") != 0)
        skip();
    assert_int_equal(system(statement), 0);
    assert_answer(finish(begin_append(temp.store, "blog", 3)), YSYNC_OK);
    temp_store_open(&copy);
    assert_room(copy.store, "blog", 3);
    assert_room(temp.store, "blog", 4);
    temp_store_deinit(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_store_makes_a_file_for_its_owner_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_makes_nothing_where_something_must_be, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_refuses_what_is_not_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_refuses_what_is_no_database, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_begins_in_an_empty_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_names_what_it_cannot_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_needs_permission, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_that_is_read_writes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_is_written_by_one_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_keeps_damage_to_the_room_that_has_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_check_finds_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_compact_gives_space_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_overwrites_what_is_removed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_may_be_backed_up_while_it_is_written, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
