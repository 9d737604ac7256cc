/* SPDX-License-Identifier: MIT */
/* A program against the installed library, C and C++ alike: each form of it is touched once. Exit status 0: it works.
 */
#include <stdio.h>
#include <string.h>

#include <ysync/ysync.h>

static const uint8_t hello[] = { 0x01, 0x01, 0x01, 0x00, 0x04, 0x01, 0x04, 'n', 'o',
                                 't',  'e',  0x05, 'H',  'e',  'l',  'l',  'o', 0x00 };

static size_t sent;

static int take_message(void *user, struct ysync_bytes message)
{
    (void)user;
    sent += message.len;
    return 1;
}

static struct ysync_bytes view(const void *data, size_t len)
{
    struct ysync_bytes bytes = { NULL, 0 };

    bytes.data = (const uint8_t *)data;
    bytes.len = len;
    return bytes;
}

static enum ysync_err use_rooms(void)
{
    const struct ysync_member_events events = { take_message, NULL };
    struct ysync_hub_config config;
    struct ysync_hub *hub;
    struct ysync_member *member;
    enum ysync_err err;

    ysync_hub_config_init(&config);
    err = ysync_hub_new(&config, &hub);
    if (err)
        return err;
    err = ysync_hub_join(hub, view("blog", 4), &events, NULL, NULL, 0, &member);
    if (!err)
        err = ysync_room_apply(ysync_member_room(member), view(hello, sizeof(hello)), 0);
    if (!err && sent < sizeof(hello))
        err = YSYNC_ERR_IO;
    if (!err)
        ysync_member_leave(member, 0);
    ysync_hub_free(hub);
    return err;
}

static enum ysync_err use_server(void)
{
    struct ysync_server_config config;
    struct ysync_server *server = NULL;
    struct ysync_problem problem;
    enum ysync_err err;

    ysync_server_config_init(&config);
    config.port = 0;
    err = ysync_server_new(&config, &server, &problem);
    if (!err)
        err = ysync_server_start(server, &problem);
    if (!err && strncmp(ysync_server_address(server, 0), "http://127.0.0.1:", 17) != 0)
        err = YSYNC_ERR_IO;
    ysync_server_free(server);
    return err;
}

int main(void)
{
    struct ysync_plugin_config plugin;
    enum ysync_err err = use_rooms();

    ysync_plugin_config_init(&plugin);
    if (!err)
        err = use_server();
    if (strcmp(ysync_version(), YSYNC_VERSION) != 0)
        err = YSYNC_ERR_CONFLICT;
    if (err)
        fprintf(stderr, "%s\n", ysync_strerror(err));
    return err != YSYNC_OK;
}
