/* SPDX-License-Identifier: MIT */
#include "server/forwarded.h"

#include <string.h>

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct ysync_bytes trim(struct ysync_bytes text)
{
    while (text.len > 0 && is_blank(text.data[0]))
        text = (struct ysync_bytes){ text.data + 1, text.len - 1 };
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* Takes the last item off a list. */
static struct ysync_bytes take_last(struct ysync_bytes *list)
{
    size_t begin = list->len;
    struct ysync_bytes item;

    while (begin > 0 && list->data[begin - 1] != ',')
        begin--;
    item = (struct ysync_bytes){ list->data + begin, list->len - begin };
    list->len = begin > 0 ? begin - 1 : 0;
    return trim(item);
}

/* The n-th item from the right, of all fields together (RFC 9110, 5.3); empty if there are fewer. */
static struct ysync_bytes find_from_right(const struct ys_http_head *head, unsigned n)
{
    for (size_t i = head->field_count; i-- > 0;) {
        struct ysync_bytes list = head->fields[i].value;

        if (!ys_http_name_is(head->fields[i].name, "X-Forwarded-For"))
            continue;
        while (list.len > 0) {
            struct ysync_bytes item = take_last(&list);

            if (--n == 0)
                return item;
        }
    }
    return (struct ysync_bytes){ NULL, 0 };
}

/* "203.0.113.9", "2001:db8::1", and what some proxies make of them: "203.0.113.9:1234", "[2001:db8::1]:1234". */
static bool parse(struct ysync_bytes text, struct ys_peer *out)
{
    char ip[INET6_ADDRSTRLEN + 8];
    struct ys_address address;
    const char *from = ip;
    char *colon;

    if (text.len == 0 || text.len >= sizeof(ip) || memchr(text.data, '\0', text.len))
        return false;
    memcpy(ip, text.data, text.len);
    ip[text.len] = '\0';
    colon = strchr(ip, ':');
    if (ip[0] == '[') {
        from = ip + 1;
        ip[strcspn(ip, "]")] = '\0';
    } else if (colon && !strchr(colon + 1, ':')) {
        *colon = '\0';
    }
    if (ys_address_parse(from, 0, &address) || address.socket.family == AF_UNIX)
        return false;
    *out = ys_peer_of(&address);
    return true;
}

struct ys_peer ys_forwarded_client(const struct ys_http_head *head, const struct ys_peer *peer,
                                   unsigned trusted_proxies)
{
    struct ys_peer client;

    if (trusted_proxies > 0 && parse(find_from_right(head, trusted_proxies), &client))
        return client;
    return *peer;
}
