/* SPDX-License-Identifier: MIT */
/*
 * A server with a store of its own: `file_store FOLDER [PORT]` keeps each room in a plain file of a folder, and serves
 * until its input ends (Ctrl-D).
 *
 *     FOLDER/626c6f67.room     [length][snapshot] [length][update] [length][update] [length][upd
 *             b l o g                                                               '-- the machine went down here
 *
 * An update is appended; a snapshot is a new file that takes the place of the old one, so that there is always a whole
 * one. What a crash cut off was never answered with OK. It is cut off the file when the room is next loaded, which it
 * is before anything is appended.
 *
 * Every call answers before it returns, when the disk has what was written: some milliseconds in which the event loop
 * that asked does nothing else, not even for other rooms. That will do for few people and fast disks. A store for many
 * passes requests on to threads of its own, and writes many of them before it waits for the disk.
 *
 * The server's loops ask on threads of their own. Nothing has to be locked all the same: no two requests about a room
 * are under way at a time, and rooms have nothing in common but the folder.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ysync/ysync.h>

#define EXTENSION ".room"
#define LENGTH_BYTES 4
#define MAX_NAME_BYTES 120 /* of a room, as file names have 255 at most: others are refused */

struct folder {
    const char *path;
    int fd;
};

struct file_name {
    char text[2 * MAX_NAME_BYTES + sizeof(EXTENSION)];
};

/* `result` is that of a call which says in errno what went wrong. */
static void answer(struct ysync_store_request *request, struct ysync_bytes room, int result)
{
    enum ysync_err err = errno == ENOENT         ? YSYNC_ERR_NOT_FOUND
                         : errno == ENOMEM       ? YSYNC_ERR_NOMEM
                         : errno == EBADMSG      ? YSYNC_ERR_MALFORMED
                         : errno == ENAMETOOLONG ? YSYNC_ERR_LIMIT
                                                 : YSYNC_ERR_IO;
    char problem[256];

    snprintf(problem, sizeof(problem), "the file of %.*s: %s", (int)room.len, (const char *)room.data, strerror(errno));
    ysync_store_answer(request, result == 0 ? YSYNC_OK : err, result == 0 ? NULL : problem);
}

/* Two hexadecimal digits a byte: no name leads out of the folder, and files sort as rooms do. */
static int write_file_name(struct file_name *to, struct ysync_bytes room, const char *extension)
{
    if (room.len > MAX_NAME_BYTES) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (size_t i = 0; i < room.len; i++)
        snprintf(to->text + 2 * i, 3, "%02x", room.data[i]);
    strcpy(to->text + 2 * room.len, extension);
    return 0;
}

static struct ysync_bytes read_file_name(const char *name, uint8_t to[MAX_NAME_BYTES])
{
    struct ysync_bytes room = { to, 0 };
    unsigned byte;

    for (; room.len < MAX_NAME_BYTES && sscanf(name + 2 * room.len, "%2x", &byte) == 1; room.len++)
        to[room.len] = (uint8_t)byte;
    return room;
}

static int open_file(const struct folder *folder, struct ysync_bytes room, const char *extension, int flags)
{
    struct file_name name;

    if (write_file_name(&name, room, extension) != 0)
        return -1;
    return openat(folder->fd, name.text, flags | O_CLOEXEC, 0600);
}

static void close_file(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* Records */

static int write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t count = write(fd, data, len);

        if (count < 0 && errno != EINTR)
            return -1;
        data += count > 0 ? count : 0;
        len -= count > 0 ? (size_t)count : 0;
    }
    return 0;
}

/* Returns when the disk has it. A record that does not fit is taken back: it would hide those that follow. */
static int write_record(int fd, struct ysync_bytes bytes)
{
    off_t end = lseek(fd, 0, SEEK_END);
    uint8_t length[LENGTH_BYTES];
    int why;

    for (int i = 0; i < LENGTH_BYTES; i++)
        length[i] = (uint8_t)(bytes.len >> 8 * i);
    if (end >= 0 && write_all(fd, length, LENGTH_BYTES) == 0 && write_all(fd, bytes.data, bytes.len) == 0 &&
        fsync(fd) == 0)
        return 0;
    why = errno;
    if (end >= 0 && ftruncate(fd, end) != 0)
        fprintf(stderr, "half a record is left in a file: %s\n", strerror(errno));
    errno = why;
    return -1;
}

/* The record at *at, which moves on behind it; 0 where the last whole one has ended. */
static int read_record(struct ysync_bytes file, size_t *at, struct ysync_bytes *out)
{
    size_t left = file.len - *at;
    size_t len = 0;

    if (left < LENGTH_BYTES)
        return 0;
    for (int i = 0; i < LENGTH_BYTES; i++)
        len |= (size_t)file.data[*at + (size_t)i] << 8 * i;
    if (len > left - LENGTH_BYTES)
        return 0;
    *out = (struct ysync_bytes){ file.data + *at + LENGTH_BYTES, len };
    *at += LENGTH_BYTES + len;
    return 1;
}

/* If what is given is no snapshot or no update, that becomes the answer by itself. */
static int give_records(struct ysync_store_request *request, int fd, struct ysync_bytes file)
{
    struct ysync_bytes record;
    size_t at = 0;

    if (!read_record(file, &at, &record)) {
        errno = EBADMSG; /* a file gets its name when the snapshot is whole */
        return -1;
    }
    ysync_store_give_snapshot(request, record);
    while (read_record(file, &at, &record))
        ysync_store_give_update(request, record);
    return at < file.len ? ftruncate(fd, (off_t)at) : 0;
}

/* The store */

static int load_file(struct ysync_store_request *request, int fd)
{
    struct stat found;
    void *data;
    int result;

    if (fd < 0 || fstat(fd, &found) != 0)
        return -1;
    data = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return -1;
    result = give_records(request, fd, (struct ysync_bytes){ data, (size_t)found.st_size });
    munmap(data, (size_t)found.st_size);
    return result;
}

static void load(void *user, struct ysync_store_request *request, struct ysync_bytes room)
{
    int fd = open_file(user, room, EXTENSION, O_RDWR);

    answer(request, room, load_file(request, fd));
    close_file(fd);
}

static void append(void *user, struct ysync_store_request *request, struct ysync_bytes room, struct ysync_bytes update)
{
    int fd = open_file(user, room, EXTENSION, O_WRONLY | O_APPEND);

    answer(request, room, fd < 0 ? -1 : write_record(fd, update));
    close_file(fd);
}

/* A name is on the disk when the folder is. */
static int replace_file(const struct folder *folder, struct ysync_bytes room)
{
    struct file_name from, to;

    if (write_file_name(&from, room, ".new") != 0 || write_file_name(&to, room, EXTENSION) != 0 ||
        renameat(folder->fd, from.text, folder->fd, to.text) != 0)
        return -1;
    return fsync(folder->fd);
}

static void save(void *user, struct ysync_store_request *request, struct ysync_bytes room, struct ysync_bytes snapshot)
{
    int fd = open_file(user, room, ".new", O_WRONLY | O_CREAT | O_TRUNC);

    answer(request, room, fd < 0 || write_record(fd, snapshot) != 0 ? -1 : replace_file(user, room));
    close_file(fd);
}

static void remove_file(void *user, struct ysync_store_request *request, struct ysync_bytes room)
{
    const struct folder *folder = user;
    struct file_name name;
    int result = write_file_name(&name, room, EXTENSION);

    if (result == 0)
        result = unlinkat(folder->fd, name.text, 0);
    answer(request, room, result == 0 ? fsync(folder->fd) : -1);
}

static int is_room(const struct dirent *entry)
{
    const char *dot = strchr(entry->d_name, '.');

    return dot && strcmp(dot, EXTENSION) == 0;
}

static void list(void *user, struct ysync_store_request *request, struct ysync_bytes after, size_t limit)
{
    const struct folder *folder = user;
    struct dirent **entries = NULL;
    struct file_name last = { "" };
    int result = after.len > 0 ? write_file_name(&last, after, EXTENSION) : 0;
    int count = result == 0 ? scandir(folder->path, &entries, is_room, alphasort) : -1;

    for (int i = 0; i < count; i++) {
        uint8_t name[MAX_NAME_BYTES];
        struct stat found;

        if (limit > 0 && strcmp(entries[i]->d_name, last.text) > 0 &&
            fstatat(folder->fd, entries[i]->d_name, &found, 0) == 0) {
            ysync_store_give_room(request, read_file_name(entries[i]->d_name, name), (uint64_t)found.st_size);
            limit--;
        }
        free(entries[i]);
    }
    free(entries);
    answer(request, after, count < 0 ? -1 : 0);
}

/* The program */

static int open_folder(struct folder *folder, const char *path)
{
    folder->path = path;
    folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder->fd < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    struct folder folder;
    struct ysync_store store = {
        .user = &folder, .load = load, .append = append, .save = save, .remove = remove_file, .list = list
    };
    struct ysync_server_config config;
    struct ysync_problem problem;
    struct ysync_server *server = NULL;

    if (argc < 2 || open_folder(&folder, argv[1]) != 0) {
        fprintf(stderr, "usage: file_store FOLDER [PORT], where FOLDER is there\n");
        return 1;
    }
    ysync_server_config_init(&config);
    config.plugin.store = &store;
    if (argc > 2)
        config.port = (uint16_t)atoi(argv[2]); /* 0: a free one */

    if (ysync_server_new(&config, &server, &problem) || ysync_server_start(server, &problem)) {
        fprintf(stderr, "%s\n", problem.text);
        ysync_server_free(server);
        return 1;
    }
    printf("serving at %s\n", ysync_server_address(server, 0));
    fflush(stdout);

    while (getchar() != EOF)
        ;                      /* what the program is really about would be here */
    ysync_server_free(server); /* which has asked for the last time then */
    close(folder.fd);
    return 0;
}
